import { narrowest, Role } from '@ansflow/proto/access'
import { collabFrame } from '@ansflow/proto/collab-frame'
import { CollabToldSchema } from '@ansflow/proto/gen/ansflow/v1/collab_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { moveSteps, projectShape, setDeleted, setSetting, setStepField, stepText } from '@ansflow/proto/pipeline-doc'
import { create, toBinary } from '@bufbuild/protobuf'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { Awareness, applyAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { startController, type TestController, type TestUser } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { manualClock } from '../../platform/clock.ts'
import { removeGrants, setGrant } from '../access/index.ts'
import { Rooms } from './rooms.ts'
import { docOf, type Editor, editDraft, isSaved, loadDraft, openEditor, otherRooms, toldBy } from './test-client.ts'

let c: TestController
const editors: Editor[] = []
beforeAll(async () => {
  c = await startController({ file: true })
})
afterEach(() => {
  for (const editor of editors.splice(0)) editor[Symbol.dispose]()
})
afterAll(async () => {
  await c[Symbol.asyncDispose]()
})

const file = 'name: shared\nsteps:\n  first:\n    run: make\n'

async function newPipeline(): Promise<{ pipelineId: string; projectId: string }> {
  const projectId = await c.addProject()
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml: file })
  return { pipelineId: pipeline?.id ?? '', projectId }
}

async function edit(pipelineId: string, user: TestUser = c.owner, doc?: Y.Doc): Promise<Editor> {
  const editor = openEditor(c.url, pipelineId, user.token, doc)
  editors.push(editor)
  await waitFor(() => editor.provider.synced)
  return editor
}

async function storedKeys(pipelineId: string): Promise<string[]> {
  const doc = await loadDraft(c.db.em(), pipelineId)
  return doc ? projectShape(doc).graph.steps.map(({ id }) => id) : []
}

describe('people in one document', () => {
  it('see each other’s edits, and what is said to be saved is in the database', async () => {
    const { pipelineId } = await newPipeline()
    const [a, b] = [await edit(pipelineId), await edit(pipelineId)]
    expect(a.keys()).toEqual(['first'])
    a.addStep('second')
    b.addStep('third')
    await waitFor(() => isSaved(a) && isSaved(b) && a.keys().length === 3 && b.keys().length === 3)
    expect((await storedKeys(pipelineId)).sort()).toEqual(['first', 'second', 'third'])
    const [step] = projectShape(a.doc).graph.steps
    stepText(a.doc, step!.nodeId, 'script')?.insert(0, '1')
    stepText(b.doc, step!.nodeId, 'script')?.insert(4, '2')
    const script = (editor: Editor) => projectShape(editor.doc).graph.steps[0]?.with?.script
    await waitFor(() => script(a) === '1make2' && script(b) === '1make2')
  })

  it('are offline for long: all that waited is more than one change may be', async () => {
    const { pipelineId } = await newPipeline()
    const a = await edit(pipelineId)
    a.provider.disconnect()
    for (const key of ['one', 'two', 'three']) a.addStep(key, key.padEnd(200_000, '.'))
    a.provider.connect()
    await waitFor(() => isSaved(a))
    expect(await storedKeys(pipelineId)).toEqual(['first', 'one', 'two', 'three'])
    expect(a.refusals).toEqual([])
  })

  it('find everything again after a restart, deletions too', async () => {
    const { pipelineId } = await newPipeline()
    const a = await edit(pipelineId)
    const second = a.addStep('second')
    await waitFor(() => isSaved(a))
    const text = stepText(a.doc, second, 'script')
    const sent = a.stored?.settled ?? 0
    // A deletion alone does not move the state vector: the count of settled messages tells.
    text?.delete(0, 3)
    await waitFor(() => (a.stored?.settled ?? 0) > sent)
    await c.restart()
    const b = await edit(pipelineId)
    expect(projectShape(b.doc).graph.steps[1]?.with).toEqual({ script: 'e' })
    await waitFor(() => a.provider.synced)
    a.addStep('later')
    await waitFor(() => b.keys().includes('later'))
  })

  it('merge what was done while apart', async () => {
    const { pipelineId } = await newPipeline()
    const [a, b] = [await edit(pipelineId), await edit(pipelineId)]
    a.provider.disconnect()
    a.addStep('offline')
    setStepField(b.doc, projectShape(b.doc).graph.steps[0]!.nodeId, 'cfg.when', 'true', b.origin)
    a.provider.connect()
    await waitFor(() => b.keys().includes('offline') && projectShape(a.doc).graph.steps[0]?.when === 'true')
    await waitFor(async () => (await storedKeys(pipelineId)).includes('offline'))
  })

  it('are joined by API calls, which tell who it was', async () => {
    const { pipelineId, projectId } = await newPipeline()
    const a = await edit(pipelineId)
    const pipelines = c.as(c.owner).client(PipelineService)
    a.addStep('mine')
    await waitFor(() => isSaved(a))
    const yaml = `${file}  mine: { run: "true" }\n  api: { run: make api }\n`
    const { problems } = await pipelines.applyPipeline({ projectId, yaml, publish: true })
    expect(problems).toEqual([])
    await waitFor(() => a.keys().includes('api'))
    await waitFor(() => a.notices.length >= 2)
    expect(a.access).toEqual([true])
    expect(a.notices.map((notice) => notice.case)).toEqual(['applied', 'published'])
    await pipelines.deletePipeline({ pipelineId })
    await waitFor(() => a.closedWith === 4404)
  })
})

describe('the last author of a step', () => {
  it('is told to everyone, also those who come later and on other controllers', async () => {
    const { pipelineId } = await newPipeline()
    const user = await c.addUser({ role: Role.DEVELOPER })
    const name = user.email.slice(0, 8)
    const a = await edit(pipelineId)
    const [first] = projectShape(a.doc).graph.steps
    const b = await edit(pipelineId, user)
    stepText(b.doc, first!.nodeId, 'script')?.insert(0, 'x')
    await waitFor(() => a.authors.get(first!.nodeId)?.id === user.userId)
    expect(a.authors.get(first!.nodeId)).toEqual({ id: user.userId, name })
    const late = await edit(pipelineId)
    await waitFor(() => late.authors.get(first!.nodeId)?.id === user.userId)

    const other = otherRooms(c)
    try {
      const told: Uint8Array[] = []
      const room = await other.acquire(pipelineId)
      const identity = { id: 'them', name: 'Them', color: 3 }
      room.join({
        identity,
        mayEdit: true,
        send: (message) => told.push(message),
        spend: () => undefined,
        drop: () => undefined,
      })
      setStepField(a.doc, first!.nodeId, 'name', 'by the owner', a.origin)
      const authors = () => told.flatMap((frame) => toldBy(frame) ?? []).filter(({ case: kind }) => kind === 'authors')
      await waitFor(() => authors().length > 0)
      expect(authors().at(-1)?.value).toMatchObject({
        authors: [{ nodeId: first!.nodeId, userId: c.owner.userId }],
      })
      // What the server writes for somebody has their id.
      const origin = { user: user.userId }
      await editDraft(other, pipelineId, user.userId, (doc) => setStepField(doc, first!.nodeId, 'name', 'api', origin))
      await waitFor(() => late.authors.get(first!.nodeId)?.id === user.userId)
    } finally {
      await other.stop()
    }
  })
})

describe('presence', () => {
  it('shows who the server knows, whatever a client says, and ends with the connection', async () => {
    const { pipelineId } = await newPipeline()
    const viewer = await c.addUser({ role: Role.VIEWER })
    const [a, b] = [await edit(pipelineId), await edit(pipelineId, viewer)]
    b.provider.awareness.setLocalState({ u: { id: 'root', name: 'Somebody else' }, cur: [1, 2] })
    const seen = await waitFor(() => a.provider.awareness.getStates().get(b.doc.clientID))
    expect(seen).toMatchObject({ u: { id: viewer.userId, name: viewer.email.slice(0, 8) }, cur: [1, 2] })
    b.provider.disconnect()
    await waitFor(() => !a.provider.awareness.getStates().has(b.doc.clientID))
  })
})

describe('rights', () => {
  it('let a viewer look, and refuse their changes with a reason', async () => {
    const { pipelineId } = await newPipeline()
    const viewer = await c.addUser({ role: Role.VIEWER })
    const [a, b] = [await edit(pipelineId), await edit(pipelineId, viewer)]
    expect(b.access).toEqual([false])
    a.addStep('second')
    await waitFor(() => b.keys().length === 2)
    b.addStep('forbidden')
    await waitFor(() => b.refusals.length > 0)
    expect(b.refusals[0]?.code).toBe('read_only')
    a.addStep('third')
    await waitFor(() => isSaved(a))
    expect(await storedKeys(pipelineId)).toEqual(['first', 'second', 'third'])
    expect(a.keys()).not.toContain('forbidden')
  })

  it('follow at once when they change, and close the document when they end', async () => {
    const { pipelineId } = await newPipeline()
    const user = await c.addUser({ role: Role.DEVELOPER })
    const a = await edit(pipelineId, user)
    const scope = { organizationId: user.organizationId }
    const grant = { subject: { kind: 'user' as const, id: user.userId }, ...scope, on: narrowest(scope) }
    const change = async (work: (em: Parameters<typeof setGrant>[0]) => Promise<unknown>) => {
      await c.db.transaction(work)
      c.bus.publish('access.changed', { userId: user.userId })
    }
    await change((em) => setGrant(em, { ...grant, roleId: 'viewer' }, c.clock.now()))
    await waitFor(() => a.access.at(-1) === false)
    a.addStep('too late')
    await waitFor(() => a.refusals.at(-1)?.code === 'read_only')
    await change((em) => setGrant(em, { ...grant, roleId: 'developer' }, c.clock.now()))
    // What was refused before comes with the answer to the server's question.
    await waitFor(async () => (await storedKeys(pipelineId)).includes('too late'))
    await change((em) => removeGrants(em, user.userId, scope))
    await waitFor(() => a.closedWith === 4403)
  })

  it('are asked before anything is said about a pipeline', async () => {
    const { pipelineId } = await newPipeline()
    const stranger = await c.addUser({ role: Role.OWNER, organizationId: await c.addOrganization() })
    const close = (id: string, token?: string) =>
      new Promise<number>((resolve) => {
        const headers = token ? { authorization: `Bearer ${token}` } : {}
        const socket = new WebSocket(`${c.url.replace('http', 'ws')}/collab/${id}`, { headers })
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
        socket.on('close', resolve)
        socket.on('error', () => undefined)
      })
    expect(await close(pipelineId)).toBe(401)
    expect(await close(pipelineId, stranger.token)).toBe(4404)
    expect(await close('..%2f..', c.owner.token)).toBe(4404)
    expect(await close(crypto.randomUUID(), c.owner.token)).toBe(4404)
  })
})

describe('memory', () => {
  it('of a document is given back when its last person has gone, and what was written is still there', async () => {
    const { pipelineId } = await newPipeline()
    const clock = manualClock()
    const rooms = new Rooms({ db: c.db, bus: c.bus, clock, log: c.controller.log, workers: c.controller.workers })
    try {
      const room = await rooms.acquire(pipelineId)
      const identity = { id: 'them', name: 'Them', color: 3 }
      const peer = { identity, mayEdit: true, send: () => undefined, spend: () => undefined, drop: () => undefined }
      room.join(peer)
      await editDraft(rooms, pipelineId, 'them', (doc) => setSetting(doc, 'description', 'kept', { user: 'them' }))
      clock.advance(60_000)
      expect(rooms.size).toBe(1)
      room.leave(peer)
      rooms.release(room)
      await waitFor(() => {
        clock.advance(5000)
        return rooms.size === 0
      })
      const stored = await loadDraft(c.db.em(), pipelineId)
      expect(projectShape(stored!).graph.description).toBe('kept')
      // Many documents looked at once by the API leave as well.
      const many = await Promise.all(Array.from({ length: 20 }, newPipeline))
      await Promise.all(many.map(async (one) => rooms.release(await rooms.acquire(one.pipelineId))))
      expect(rooms.size).toBe(20)
      await waitFor(() => {
        clock.advance(5000)
        return rooms.size === 0
      })
    } finally {
      await rooms.stop()
    }
  })
})

describe('several controllers', () => {
  it('over one database converge on one document', async () => {
    const { pipelineId } = await newPipeline()
    const other = otherRooms(c)
    try {
      const a = await edit(pipelineId)
      const room = await other.acquire(pipelineId)
      const there = () => projectShape(docOf(room)).graph.steps
      for (let n = 0; n < 5; n += 1) {
        a.addStep(`here-${n}`)
        const [step] = there()
        await editDraft(other, pipelineId, 'other', (doc) =>
          moveSteps(doc, new Map([[step!.nodeId, { x: n, y: n }]]), { user: 'other' }),
        )
      }
      await waitFor(() => there().length === 6 && projectShape(a.doc).graph.steps[0]?.position?.x === 4)
      const last = there()[5]!.nodeId
      await editDraft(other, pipelineId, 'other', (doc) => setDeleted(doc, [last], true, { user: 'other' }))
      await waitFor(() => a.keys().length === 5)
      // Folding by one must not make the other miss anything.
      await room.fold()
      a.addStep('after')
      await waitFor(() => there().some(({ id }) => id === 'after'))
      await waitFor(() => isSaved(a))
      expect(await storedKeys(pipelineId)).toEqual(a.keys())
      other.release(room)
    } finally {
      await other.stop()
    }
  })

  it('tell everyone who has restored which version, once for whoever says it again and again; viewers have nothing to tell', async () => {
    const { pipelineId } = await newPipeline()
    const viewer = await c.addUser({ role: Role.VIEWER })
    const other = otherRooms(c)
    try {
      const [a, b] = [await edit(pipelineId), await edit(pipelineId, viewer)]
      const there: string[] = []
      const room = await other.acquire(pipelineId)
      room.join({
        identity: { id: 'them', name: 'Them', color: 3 },
        mayEdit: false,
        send(message) {
          const told = toldBy(message)
          if (told?.case === 'notice') there.push(told.value.kind.case ?? '')
        },
        spend: () => undefined,
        drop: () => undefined,
      })
      const tell = (editor: Editor, version: number) => {
        const told = create(CollabToldSchema, { kind: { case: 'restored', value: { version } } })
        const encoder = encoding.createEncoder()
        encoding.writeVarUint(encoder, collabFrame)
        encoding.writeVarUint8Array(encoder, toBinary(CollabToldSchema, told))
        editor.provider.ws?.send(encoding.toUint8Array(encoder) as Uint8Array<ArrayBuffer>)
      }
      tell(b, 5)
      tell(a, 3)
      tell(a, 4)
      const restored = (editor: Editor) =>
        editor.notices.flatMap((notice) => (notice.case === 'restored' ? [notice.value] : []))
      await waitFor(() => restored(b).length > 0)
      a.addStep('later')
      await waitFor(() => b.keys().includes('later'))
      expect(restored(b)).toMatchObject([{ version: 3, userId: c.owner.userId }])
      expect(restored(b)[0]?.by).not.toBe('')
      expect(restored(a)).toHaveLength(1)
      await waitFor(() => there.includes('restored'))
    } finally {
      await other.stop()
    }
  })

  it('tell each other’s people who is there, what happened, and that the document is gone', async () => {
    const { pipelineId } = await newPipeline()
    const other = otherRooms(c)
    try {
      const a = await edit(pipelineId)
      a.provider.awareness.setLocalState({ cur: [1, 2] })
      const sent: Uint8Array[] = []
      const dropped: string[] = []
      const room = await other.acquire(pipelineId)
      room.join({
        identity: { id: 'them', name: 'Them', color: 3 },
        mayEdit: true,
        send: (message) => sent.push(message),
        spend: () => undefined,
        drop: ({ code }) => dropped.push(code),
      })
      const there = new Awareness(new Y.Doc())
      const told = () => {
        for (const message of sent.splice(0)) {
          if (message[0] === 1) applyAwarenessUpdate(there, bodyOf(message), 'server')
        }
        return there.getStates().get(a.doc.clientID)
      }
      expect(await waitFor(told)).toMatchObject({ u: { id: c.owner.userId }, cur: [1, 2] })
      other.announce(pipelineId, { case: 'published', value: { version: 7, by: 'Them' } })
      await waitFor(() => a.notices.some((notice) => notice.case === 'published' && notice.value.version === 7))
      there.destroy()
      await c.as(c.owner).client(PipelineService).deletePipeline({ pipelineId })
      await waitFor(() => dropped.length === 1)
      expect(dropped).toEqual(['unavailable'])
    } finally {
      await other.stop()
    }
  })
})

/** What comes after the frame's number. */
function bodyOf(message: Uint8Array): Uint8Array {
  const decoder = decoding.createDecoder(message)
  decoding.readVarUint(decoder)
  return decoding.readVarUint8Array(decoder)
}
