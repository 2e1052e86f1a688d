// Steps of templates under the steps that stand for them.
import { type RunStep, RunStepSchema, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, it } from 'vitest'
import { effectScope, nextTick, shallowRef } from 'vue'
import { namesTo } from './step-path.ts'
import { treeOf } from './step-tree.ts'
import { useStepGroups } from './use-step-groups.ts'

const step = (id: string, more: MessageInitShape<typeof RunStepSchema> = {}) =>
  create(RunStepSchema, { ...more, id } as MessageInitShape<typeof RunStepSchema>)
const ids = (steps: readonly RunStep[] | undefined) => steps?.map(({ id }) => id).join(' ')
const all = [
  step('a'),
  step('web/install', { name: 'Web / install', status: StepStatus.SUCCEEDED, startedAt: timestampFromMs(1000) }),
  step('web/in/test', { name: 'Web / in / Test', copies: 2, status: StepStatus.RUNNING }),
  step('web/in/test.0', { copyOf: 'web/in/test' }),
  step('web/in/test.1', { copyOf: 'web/in/test' }),
  step('end'),
]

it('puts them where the first of them stands, with what they are together', () => {
  const tree = treeOf(all)
  expect(ids(tree.roots)).toBe('a web end')
  expect(ids(tree.members.get('web'))).toBe('web/install web/in')
  expect(ids(tree.members.get('web/in'))).toBe('web/in/test')
  expect(ids(tree.leaves.get('web'))).toBe('web/install web/in/test.0 web/in/test.1')
  const { id, name, status, copies, startedAt } = tree.templates.get('web')!
  expect({ id, name, status, copies }).toEqual({ id: 'web', name: 'Web', status: StepStatus.RUNNING, copies: 0 })
  expect(startedAt).toEqual(timestampFromMs(1000))
  expect(tree.templates.get('web/in')!.name).toBe('Web / in')
})

it('has no times of what was run before', () => {
  const reused = { runId: 'r', runNumber: 1, attempts: 1 }
  const old = (id: string) => step(id, { startedAt: timestampFromMs(1), finishedAt: timestampFromMs(2), reused })
  const whole = treeOf([old('web/a'), old('web/b')]).templates.get('web')!
  expect([whole.startedAt, whole.finishedAt, whole.reused?.runNumber]).toEqual([undefined, undefined, 1])
  const half = treeOf([old('web/a'), step('web/b', { startedAt: timestampFromMs(9) })]).templates.get('web')!
  expect([half.startedAt, half.reused]).toEqual([timestampFromMs(9), undefined])
})

it.each([
  ['a', 'A / B', ['A / B']],
  ['a', '', ['a']],
  ['web/a', '', ['web', 'a']],
  ['web/a', 'web/a', ['web', 'a']],
  ['web/a', 'Web / A', ['Web', 'A']],
  ['web/a', 'Web / A / B', ['Web', 'A / B']],
  ['web/in/a', 'web/in / A', ['web', 'in', 'A']],
])('names the way to %s (%s)', (id, name, names) => {
  expect(namesTo({ id, name })).toEqual(names)
})

it('opens those that the chosen step stands under', async () => {
  const selected = shallowRef<RunStep>()
  const tree = treeOf(all)
  const groups = effectScope().run(() =>
    useStepGroups(
      () => tree,
      () => selected.value,
    ),
  )!
  groups.toggle('web')
  groups.toggle('web/in')
  expect(ids(groups.shown.value)).toBe('a web end')
  selected.value = all[3]
  await nextTick()
  expect(ids(groups.shown.value)).toBe('a web web/install web/in web/in/test web/in/test.0 web/in/test.1 end')
})
