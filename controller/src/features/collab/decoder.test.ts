import { PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { newDoc } from '@ansflow/proto/pipeline-doc'
import { create } from '@bufbuild/protobuf'
import { afterAll, expect, it } from 'vitest'
import * as Y from 'yjs'
import { createLog } from '../../platform/log.ts'
import { createDecoder } from './decoder.ts'
import { slowUpdate } from './slow-update.ts'

const decoder = createDecoder(createLog('silent'), 300)
afterAll(() => decoder.stop())

const doc = newDoc(create(PipelineGraphSchema, { name: 'p' }), '')
const state = () => Y.encodeStateAsUpdateV2(doc)
const edit = (n: number) => {
  const copy = new Y.Doc()
  Y.applyUpdateV2(copy, state())
  const before = Y.encodeStateVector(copy)
  copy.getMap('notes').set(`n${n}`, n)
  return Y.encodeStateAsUpdate(copy, before)
}

it('slow changes of one person delay only their own, in the same document and in others', async () => {
  const slow = slowUpdate(9000, 6000)
  expect(await decoder.check('shared', 'ada', edit(0), state)).toEqual({ kind: 'fine' })
  const order: string[] = []
  const told = (who: string) => () => order.push(who)
  const eve = ['shared', 'b', 'c', 'd', 'e'].map((room) => decoder.check(room, 'eve', slow, state).then(told('eve')))
  const ada = Array.from({ length: 10 }, (_, n) =>
    decoder.check(n % 2 ? 'shared' : 'own', 'ada', edit(n), state).then(told('ada')),
  )
  await Promise.all(ada)
  // One of them may have been under way in the shared document.
  expect(order.filter((who) => who === 'eve').length).toBeLessThanOrEqual(2)
  await Promise.all(eve)
}, 60_000)
