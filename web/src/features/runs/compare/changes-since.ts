// What differs between two runs of a pipeline: their graphs, commits, inputs, and where their steps ran. Pure.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { Run, RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import { type GraphDiff, graphDiff } from '../../pipelines'

export interface RunWithGraph {
  run: Run
  graph: PipelineGraph
  steps: readonly RunStep[]
}

export interface Change {
  name: string
  before: string
  after: string
}

export interface RunChanges {
  graph: GraphDiff
  /** Repository, branch and commit, by the names of their texts. */
  git: Change[]
  inputs: Change[]
  /** Of steps that ran in both, by step id: the agents of their last attempts. */
  agents: Change[]
  count: number
}

export function changesSince(before: RunWithGraph, after: RunWithGraph): RunChanges {
  const graph = graphDiff(before.graph, after.graph)
  const git = changes(gitTexts(before.run), gitTexts(after.run))
  const inputs = changes(inputTexts(before.run), inputTexts(after.run))
  const was = agentTexts(before.steps)
  const agents = changes(was, agentTexts(after.steps)).filter(({ before, after }) => before !== '' && after !== '')
  return { graph, git, inputs, agents, count: graph.count + git.length + inputs.length + agents.length }
}

function changes(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Change[] {
  const names = [...new Set([...before.keys(), ...after.keys()])]
  return names
    .map((name) => ({ name, before: before.get(name) ?? '', after: after.get(name) ?? '' }))
    .filter((one) => one.before !== one.after)
}

function gitTexts({ origin }: Run): Map<string, string> {
  const { repository = '', branch = '', tag = '', commit = '' } = origin?.git ?? {}
  return new Map(Object.entries({ repository, branch, tag, commit: commit.slice(0, 10) }))
}

function inputTexts({ inputs }: Run): Map<string, string> {
  return new Map(Object.entries(inputs ?? {}).map(([name, value]) => [name, textOf(value)]))
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function agentTexts(steps: readonly RunStep[]): Map<string, string> {
  return new Map(steps.map(({ id, attempts }) => [id, attempts.at(-1)?.agentName ?? '']))
}
