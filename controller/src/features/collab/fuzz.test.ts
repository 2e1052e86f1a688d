import { addStep, newDoc, projectShape, setStepField } from '@ansflow/proto/pipeline-doc'
import fc from 'fast-check'
import * as encoding from 'lib0/encoding'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as Y from 'yjs'
import { createLog } from '../../platform/log.ts'
import { meter } from '../../platform/rate.ts'
import { Connection, type Wire } from './connection.ts'
import { createDecoder, type Decoder } from './decoder.ts'
import { LiveDocument } from './live-document.ts'
import { readMessage } from './messages.ts'
import { identityOf, Presence } from './presence.ts'
import { changeOf, docOf } from './test-client.ts'

const log = createLog('silent')
let decoder: Decoder
beforeAll(() => {
  decoder = createDecoder(log)
})
afterAll(async () => {
  await decoder.stop()
})

const bytes = fc.uint8Array({ maxLength: 200 })
/** Half of them begin as a frame does. */
const frames = fc.oneof(
  bytes,
  fc
    .tuple(fc.constantFrom([0, 0], [0, 1], [0, 2], [1], [3], [104]), fc.nat(80), bytes)
    .map(([head, length, rest]) => Uint8Array.from([...head, length, ...rest])),
)
const states = fc.oneof(
  bytes,
  fc
    .tuple(fc.constantFrom(1, 2, 3), fc.nat(9), fc.constantFrom('null', '{}', '{"u":{"id":"ada"}}', '[1]'))
    .map(([client, clock, json]) => presenceOf(client, clock, json)),
)
const me = identityOf({ userId: 'me', name: 'Me' })
const ada = identityOf({ userId: 'ada', name: 'Ada' })

it('whatever is read of a random frame is a part of it', () => {
  let read = 0
  fc.assert(
    fc.property(frames, (frame) => {
      const message = attempt(() => readMessage(frame))
      if (!message) return
      read += 1
      if (message.kind === 'update') expect(holds(frame, message.update)).toBe(true)
      if (message.kind === 'presence') expect(holds(frame, message.update)).toBe(true)
      if (message.kind === 'askState') expect(holds(frame, message.vector)).toBe(true)
    }),
    { numRuns: 3000 },
  )
  expect(read).toBeGreaterThan(100)
})

it('random presence takes nobody away and speaks for nobody else', () => {
  fc.assert(
    fc.property(fc.array(states, { maxLength: 5 }), (updates) => {
      const presence = new Presence(() => undefined)
      const honest = {}
      presence.receive(honest, ada, presenceOf(1, 1, '{"at":"a"}'))
      const eve = {}
      for (const update of updates) attempt(() => presence.receive(eve, me, update))
      const there = presence.own()
      expect(there.find(({ client }) => client === 1)).toEqual({
        client: 1,
        clock: 1,
        json: JSON.stringify({ at: 'a', u: ada }),
        userId: ada.id,
      })
      const others = there.filter(({ client }) => client !== 1)
      expect(others.every(({ userId, json }) => userId === me.id && JSON.parse(json).u.id === me.id)).toBe(true)
      presence.leave(eve)
      presence.takeChanges()
      expect(presence.own().map(({ client }) => client)).toEqual([1])
    }),
    { numRuns: 2000 },
  )
})

it('damaged updates are judged by the worker, which lives on; what it takes leaves a document that can be read', async () => {
  const doc = newDoc()
  const step = addStep(doc, { type: 'custom', pos: { x: 0, y: 0 }, params: { script: 'make' } }, { user: 'a' })
  const state = Y.encodeStateAsUpdateV2(doc)
  const edited = new Y.Doc()
  Y.applyUpdateV2(edited, state)
  setStepField(edited, step, 'name', 'Make it', { user: 'b' })
  const good = Y.encodeStateAsUpdate(edited, Y.encodeStateVector(doc))
  const author = { id: 'eve', name: 'Eve' }
  const attack = { author, mayStill: () => true, taken: () => undefined }
  const live = new LiveDocument({ id: 'room', decoder, onChange: () => undefined })
  await live.apply([state], 'store')
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), fc.boolean(), async (at, value, cut) => {
      const damaged = cut ? good.slice(0, at) : Uint8Array.from(good, (byte, index) => (index === at ? value : byte))
      const before = live.updates.length
      const { kind } = await live.check(damaged, attack)
      if (kind !== 'fine') expect(live.updates.length).toBe(before)
      expect(projectShape(docOf(live)).graph.steps.map(({ uses }) => uses)).toEqual(['custom'])
    }),
    { numRuns: 300 },
  )
  const honest = changeOf(live, (there) => setStepField(there, step, 'name', 'Made', { user: 'a' }))
  await live.apply([honest], { author: ada })
  expect(projectShape(docOf(live)).graph.steps[0]?.name).toBe('Made')
}, 60_000)

it('a connection whose document does not open keeps few frames, and one that does not read is ended', () => {
  const traffic = meter({ perSecond: 1000, burst: 10_000 })
  const closed: number[] = []
  let terminated = 0
  const wire = {
    bufferedAmount: 0,
    send: () => undefined,
    close: (code: number) => closed.push(code),
    terminate: () => {
      terminated += 1
    },
  }
  const waiting = new Connection(wire, me, traffic, log)
  for (let n = 0; n < 250; n += 1) waiting.receive(new Uint8Array([3]), true)
  expect(closed).toEqual([1013])
  const slow = new Connection({ ...wire, bufferedAmount: 2 ** 30 } satisfies Wire, me, traffic, log)
  slow.send(new Uint8Array([1]))
  slow.send(new Uint8Array([1]))
  expect(terminated).toBe(1)
  expect(slow.hasEnded).toBe(true)
})

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

function holds(frame: Uint8Array, part: Uint8Array): boolean {
  return part.length < frame.length && Buffer.from(frame).includes(Buffer.from(part))
}

function presenceOf(client: number, clock: number, json: string): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [1, client, clock]) encoding.writeVarUint(encoder, number)
  encoding.writeVarString(encoder, json)
  return encoding.toUint8Array(encoder)
}
