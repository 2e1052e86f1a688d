// Copies behind their step, folded where they are many.
import { type RunStep, RunStepSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { effectScope, nextTick, shallowRef } from 'vue'
import { hasCopies, inOrder, valuesText } from './step-groups.ts'
import { treeOf } from './step-tree.ts'
import { useStepGroups } from './use-step-groups.ts'

const step = (id: string, copies = 0) => create(RunStepSchema, { id, copies })
const copy = (of: string, index: number, matrix = {}) =>
  create(RunStepSchema, { id: `${of}.${index}`, copyOf: of, matrix })
const ids = (steps: readonly RunStep[]) => steps.map(({ id }) => id).join(' ')

it('puts copies behind their step, by number, whenever they come', () => {
  const late = [step('a'), step('test', 11), step('end'), ...[10, 0, 2].map((index) => copy('test', index))]
  expect(ids(inOrder(late))).toBe('a test test.0 test.2 test.10 end')
  expect(ids(inOrder([step('b'), step('a')]))).toBe('b a')
})

it('says the values of a copy, and which steps have copies', () => {
  expect(valuesText(copy('test', 0, { node: 22, os: 'a', slow: true }))).toBe('node 22 · os a · slow true')
  expect([step('a'), step('b', 1)].map(hasCopies)).toEqual([false, true])
})

it('folds more than eight copies, until they are opened or one of them is chosen', async () => {
  const many = Array.from({ length: 9 }, (_, index) => copy('many', index))
  const few = Array.from({ length: 8 }, (_, index) => copy('few', index))
  const all = inOrder([step('many', 9), step('few', 8), ...many, ...few])
  const selected = shallowRef<RunStep>()
  const tree = treeOf(all)
  const groups = effectScope().run(() =>
    useStepGroups(
      () => tree,
      () => selected.value,
    ),
  )!
  expect(groups.shown.value).toHaveLength(10)
  groups.toggle('few')
  expect(ids(groups.shown.value)).toBe('many few')
  selected.value = many[4]
  await nextTick()
  expect(groups.shown.value).toHaveLength(11)
  groups.toggle('many')
  expect(ids(groups.shown.value)).toBe('many few')
  expect(groups.membersOf('many')).toHaveLength(9)
})
