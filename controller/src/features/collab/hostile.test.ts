import { Role } from '@ansflow/proto/access'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { limits } from '@ansflow/proto/limits'
import { newNodeId, projectShape } from '@ansflow/proto/pipeline-doc'
import * as encoding from 'lib0/encoding'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import * as Y from 'yjs'
import { startController, type TestController, type TestUser } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { slowUpdate } from './slow-update.ts'
import { type Editor, isSaved, openEditor } from './test-client.ts'

let c: TestController
let pipelineId: string
let honest: Editor
/** Who attacks; delays only herself. */
let eve: TestUser
const editors: Editor[] = []

beforeAll(async () => {
  c = await startController()
  const projectId = await c.addProject()
  const yaml = 'name: target\nsteps:\n  first:\n    run: make\n'
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml })
  pipelineId = pipeline?.id ?? ''
  eve = await c.addUser({ role: Role.DEVELOPER })
  honest = await edit(c.owner.token)
  editors.pop()
})
afterEach(async () => {
  for (const editor of editors.splice(0)) editor[Symbol.dispose]()
  // Whatever was tried: the document still works, and nobody is thrown out of it.
  const key = `after-${honest.keys().length}`
  honest.addStep(key)
  await waitFor(() => isSaved(honest))
  expect(honest.closedWith).toBeUndefined()
  expect(honest.refusals).toEqual([])
})
afterAll(async () => {
  honest[Symbol.dispose]()
  await c[Symbol.asyncDispose]()
})

async function edit(token = eve.token): Promise<Editor> {
  const editor = openEditor(c.url, pipelineId, token)
  editors.push(editor)
  await waitFor(() => editor.provider.synced)
  return editor
}

function sendUpdate(editor: Editor, update: Uint8Array): void {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 0)
  encoding.writeVarUint(encoder, 2)
  encoding.writeVarUint8Array(encoder, update)
  send(editor, encoding.toUint8Array(encoder))
}

function send(editor: Editor, bytes: Uint8Array | string): void {
  ;(editor.provider.ws as unknown as { send(data: Uint8Array | string): void }).send(bytes)
}

it('an unknown root is refused', async () => {
  const attacker = await edit()
  attacker.doc.getMap('backdoor').set('x', 1)
  await waitFor(() => attacker.closedWith === 4400)
  expect(attacker.refusals[0]?.code).toBe('malformed')
})

it('garbage is refused', async () => {
  const attacker = await edit()
  sendUpdate(attacker, new Uint8Array([200, 200, 200, 200, 1, 7, 7]))
  await waitFor(() => attacker.closedWith === 4400)
  const other = await edit()
  send(other, new Uint8Array([0, 2]))
  await waitFor(() => other.closedWith === 4400)
})

it('text frames and empty frames end only their own connection', async () => {
  const attacker = await edit()
  const codes: number[] = []
  attacker.provider.on('connection-close', (event) => {
    if (event) codes.push(event.code)
  })
  send(attacker, 'hello')
  await waitFor(() => codes.includes(1003))
  await waitFor(() => attacker.provider.synced)
  send(attacker, new Uint8Array())
  await waitFor(() => attacker.closedWith === 4400)
})

it('a flood of small frames is refused', async () => {
  const attacker = await edit()
  for (let n = 0; n < 700; n += 1) send(attacker, new Uint8Array([3]))
  await waitFor(() => attacker.closedWith === 4429)
  expect(attacker.refusals.at(-1)?.code).toBe('too_fast')
})

it('a change over 256 KiB is refused', async () => {
  const attacker = await edit()
  attacker.addStep('huge', 'x'.repeat(300_000))
  await waitFor(() => attacker.closedWith === 4413)
  expect(attacker.refusals[0]?.code).toBe('too_large')
})

it('an answer of more than all that may wait is refused', async () => {
  const attacker = await edit()
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 0)
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarUint8Array(encoder, new Uint8Array(limits.waitingBytes))
  send(attacker, encoding.toUint8Array(encoder))
  await waitFor(() => attacker.closedWith === 4413)
  expect(attacker.refusals[0]?.code).toBe('too_large')
})

it('more than 1000 steps are refused', async () => {
  const attacker = await edit()
  attacker.doc.transact(() => {
    for (let n = 0; n < 1001; n += 1) attacker.doc.getMap('nodes').set(newNodeId(), new Y.Map([['key', 'k']]))
  })
  await waitFor(() => attacker.closedWith === 4413)
  expect(attacker.refusals[0]?.code).toBe('too_many_steps')
  expect(projectShape(honest.doc).graph.steps.length).toBeLessThan(100)
})

it.each<[string, (doc: Y.Doc, text: Y.Text, step: Y.Map<unknown>) => void]>([
  ['a shared text', (_, text) => text.insert(0, 'a\0b')],
  ['a value', (_, _text, step) => step.set('name', 'a\0b')],
  ['inside of a value', (_, _text, step) => step.set('pos', { x: 0, y: [{ deep: 'a\0b' }] })],
  ['a name inside of a value', (_, _text, step) => step.set('pos', { 'a\0': 1 })],
  ['the name of a field', (_, _text, step) => step.set('a\0', 1)],
  ['the format of a text', (_, text) => text.format(0, 1, { bold: '\ud83d' })],
  ['an object in a text', (_, text) => text.insertEmbed(0, { half: '\ude00' })],
])('what cannot be stored is refused on arrival: %s', async (_, write) => {
  const attacker = await edit()
  const id = attacker.addStep('odd')
  await waitFor(() => isSaved(attacker))
  const step = attacker.doc.getMap('nodes').get(id) as Y.Map<unknown>
  const text = (step.get('texts') as Y.Map<Y.Text>).get('script') as Y.Text
  attacker.doc.transact(() => write(attacker.doc, text, step))
  await waitFor(() => attacker.closedWith === 4400)
  expect(attacker.refusals[0]?.code).toBe('characters')
  expect(JSON.stringify(honest.doc.getMap('nodes').get(id))).not.toMatch(/\\u0000|\\ud/)
})

it('another schema is refused', async () => {
  const attacker = await edit()
  attacker.doc.getMap('meta').set('schema', 99)
  await waitFor(() => attacker.closedWith === 4409)
})

it('a change that builds on what nobody has makes the server ask, then refuse', async () => {
  const attacker = await edit()
  const elsewhere = new Y.Doc()
  elsewhere.getMap('settings').set('a', 1)
  const updates: Uint8Array[] = []
  elsewhere.on('update', (update) => updates.push(update))
  elsewhere.getMap('settings').set('b', 1)
  sendUpdate(attacker, updates[0]!)
  // Its whole state does not have it either, so nothing comes of it.
  attacker.addStep('still-here')
  await waitFor(() => isSaved(attacker))
  // What is saved reaches the others a moment later.
  await waitFor(() => projectShape(honest.doc).graph.steps.some(({ id }) => id === 'still-here'))
})

it('a small change that takes very long to apply ends its worker, not the controller', async () => {
  const attacker = await edit()
  let longestPause = 0
  let last = performance.now()
  const watch = setInterval(() => {
    const now = performance.now()
    longestPause = Math.max(longestPause, now - last)
    last = now
  }, 10)
  const update = slowUpdate(9000, 6000)
  expect(update.length).toBeLessThan(256 * 1024)
  sendUpdate(attacker, update)
  await waitFor(() => attacker.refusals.some(({ code }) => code === 'too_slow'))
  clearInterval(watch)
  expect(longestPause).toBeLessThan(1500)
  await waitFor(() => attacker.closedWith === 4408)
})
