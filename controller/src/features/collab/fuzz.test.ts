import { addStep, newDoc, setStepField } from '@ansflow/proto/pipeline-doc'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as Y from 'yjs'
import { createLog } from '../../platform/log.ts'
import { meter } from '../../platform/rate.ts'
import { Connection, type Wire } from './connection.ts'
import { createDecoder, type Decoder } from './decoder.ts'
import { LiveDocument } from './live-document.ts'
import { readMessage } from './messages.ts'
import { identityOf, Presence } from './presence.ts'

const log = createLog('silent')
let decoder: Decoder
beforeAll(() => {
  decoder = createDecoder(log)
})
afterAll(async () => {
  await decoder.stop()
})

const bytes = fc.uint8Array({ maxLength: 200 })
const me = identityOf({ userId: 'me', name: 'Me' })

it('random frames are read, or refused, and nothing else', () => {
  fc.assert(
    fc.property(bytes, (frame) => {
      try {
        expect(readMessage(frame).kind).toBeTypeOf('string')
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
      const presence = new Presence(() => undefined)
      try {
        presence.receive({}, me, frame)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
      presence.takeChanges()
    }),
    { numRuns: 3000 },
  )
})

it('damaged updates are judged by the worker, which lives on', async () => {
  const doc = newDoc()
  const step = addStep(doc, { type: 'custom', pos: { x: 0, y: 0 }, params: { script: 'make' } }, { user: 'a' })
  const state = Y.encodeStateAsUpdateV2(doc)
  const edited = new Y.Doc()
  Y.applyUpdateV2(edited, state)
  setStepField(edited, step, 'name', 'Make it', { user: 'b' })
  const good = Y.encodeStateAsUpdate(edited, Y.encodeStateVector(doc))
  const author = { id: 'ada', name: 'Ada' }
  const live = new LiveDocument({ id: 'room', decoder, onChange: () => undefined })
  await live.apply([state], 'store')
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), fc.boolean(), async (at, value, cut) => {
      const damaged = cut ? good.slice(0, at) : Uint8Array.from(good, (byte, index) => (index === at ? value : byte))
      const { kind } = await live.check(damaged, { author, mayStill: () => false, taken: () => undefined })
      expect(['tooLate', 'refused', 'incomplete']).toContain(kind)
    }),
    { numRuns: 300 },
  )
  expect(live.updates).toEqual([state])
  const verdict = await live.check(good, { author, mayStill: () => true, taken: () => undefined })
  expect(verdict).toEqual({ kind: 'fine' })
  expect(live.updates.length).toBe(2)
}, 60_000)

it('a connection that floods, or does not read, is ended', () => {
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
  const flood = new Connection(wire, me, traffic, log)
  for (let n = 0; n < 2000; n += 1) flood.receive(new Uint8Array([3]), true)
  expect(closed).toEqual([1013])
  const slow = new Connection({ ...wire, bufferedAmount: 2 ** 30 } satisfies Wire, me, traffic, log)
  slow.send(new Uint8Array([1]))
  slow.send(new Uint8Array([1]))
  expect(terminated).toBe(1)
  expect(slow.hasEnded).toBe(true)
})
