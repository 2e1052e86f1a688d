// What differs between two runs.
import { PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { RunSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { changesSince, type RunWithGraph } from './changes-since.ts'

const step = (id: string, script: string) => ({ id, uses: 'custom', with: { script } })

function runOf(run: MessageInitShape<typeof RunSchema>, steps = [step('build', 'make')]): RunWithGraph {
  const message = create(RunSchema, run)
  return { run: message, graph: create(PipelineGraphSchema, { name: 'p', steps }), steps: message.steps }
}

const git = (commit: string, branch = 'main') => ({ origin: { git: { commit, branch } } })
const ranOn = (agentName: string) => ({ steps: [{ id: 'build', attempts: [{ number: 1, agentName }] }] })

test('the same run again has no changes', () => {
  const run = { ...git('abc'), inputs: { level: 2 }, ...ranOn('a') }
  expect(changesSince(runOf(run), runOf(run)).count).toBe(0)
})

test('graph, commit, inputs and agents are told apart', () => {
  const before = runOf({ ...git('0123456789abcdef'), inputs: { level: 2, gone: true }, ...ranOn('a') })
  const after = runOf({ ...git('fedcba9876543210', 'next'), inputs: { level: 3, come: ['x'] }, ...ranOn('b') }, [
    step('build', 'make all'),
    step('test', 'make check'),
  ])
  const { graph, git: code, inputs, agents, count } = changesSince(before, after)
  expect(code).toEqual([
    { name: 'branch', before: 'main', after: 'next' },
    { name: 'commit', before: '0123456789', after: 'fedcba9876' },
  ])
  expect(inputs).toEqual([
    { name: 'level', before: '2', after: '3' },
    { name: 'gone', before: 'true', after: '' },
    { name: 'come', before: '', after: '["x"]' },
  ])
  expect(agents).toEqual([{ name: 'build', before: 'a', after: 'b' }])
  expect(graph.added.map(({ key }) => key)).toEqual(['test'])
  expect(graph.changed.map(({ key }) => key)).toEqual(['build'])
  expect(count).toBe(8)
})

test('a step that did not run in one of them ran nowhere else', () => {
  expect(changesSince(runOf(ranOn('a')), runOf({ steps: [{ id: 'build', attempts: [] }] })).agents).toEqual([])
})
