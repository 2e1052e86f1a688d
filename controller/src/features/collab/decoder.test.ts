import { PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { newDoc } from '@ansflow/proto/pipeline-doc'
import { create } from '@bufbuild/protobuf'
import { afterAll, expect, it } from 'vitest'
import * as Y from 'yjs'
import { createLog } from '../../platform/log.ts'
import { createDecoder } from './decoder.ts'
import { LiveDocument } from './live-document.ts'
import { slowUpdate } from './slow-update.ts'

const decoder = createDecoder(createLog('silent'), 300)
afterAll(() => decoder.stop())

const doc = newDoc(create(PipelineGraphSchema, { name: 'p' }), '')
const state = Y.encodeStateAsUpdateV2(doc)
const edit = (n: number) => {
  const copy = new Y.Doc()
  Y.applyUpdateV2(copy, state)
  const before = Y.encodeStateVector(copy)
  copy.getMap('notes').set(`n${n}`, n)
  return Y.encodeStateAsUpdate(copy, before)
}

async function open(id: string): Promise<(person: string, update: Uint8Array) => Promise<unknown>> {
  const live = new LiveDocument({ id, decoder, onChange: () => undefined })
  await live.apply([state], 'store')
  return (person, update) =>
    live.check(update, { author: { id: person, name: person }, mayStill: () => true, taken: () => undefined })
}

it('slow changes of one person delay only their own, in the same document and in others', async () => {
  const slow = slowUpdate(9000, 6000)
  const [shared, own, ...others] = await Promise.all(['shared', 'own', 'b', 'c', 'd', 'e'].map(open))
  expect(await shared?.('ada', edit(0))).toEqual({ kind: 'fine' })
  const order: string[] = []
  const told = (who: string) => () => order.push(who)
  const eve = [shared, ...others].map((check) => check?.('eve', slow).then(told('eve')))
  const ada = Array.from({ length: 10 }, (_, n) => (n % 2 ? shared : own)?.('ada', edit(n)).then(told('ada')))
  await Promise.all(ada)
  // One of them may have been under way in the shared document.
  expect(order.filter((who) => who === 'eve').length).toBeLessThanOrEqual(2)
  await Promise.all(eve)
}, 60_000)
