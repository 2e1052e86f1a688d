// What steps hand on to those that need them, near or far: variables (the file $ANSFLOW_ENV) and folders for PATH ($ANSFLOW_PATH). It is as
// if the steps before had run one after the other, those that are needed first and else in the order of the file: the last one that sets
// a name wins, whichever really ended last.
import { ExpressionError } from '@ansflow/proto/expression'
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { topologicalOrder } from '@ansflow/proto/graph'
import { limits } from '@ansflow/proto/limits'
import { isTerminal } from '@ansflow/proto/status'
import { say } from '@ansflow/proto/texts/say'
import { isolatedWorkspace } from '../jobs/pick-job.ts'
import type { RunState, StepState } from '../state.ts'

export interface Exports {
  env: Record<string, string>
  /** Folders of the agent's host, as the step added them. */
  path: string[]
  /** Where it ran: its folders mean something only there. */
  workspace: string
}

export interface ExportedVariable {
  name: string
  value: string
  /** Who has set it. */
  by: StepState
}

interface Source {
  step: StepState
  exports: Exports
  rank: number
}

/** What comes out of a step: its own, and what came to it. */
interface Carried {
  env: ReadonlyMap<string, { value: string; source: Source }>
  /** Of those with folders, in their order. */
  paths: readonly Source[]
  /** Nothing can be added to it any more. */
  final: boolean
}

const nothing: Carried = { env: new Map(), paths: [], final: true }
const mostPaths = 100

/** What the steps before it have set for this one, by the names. Throws an ExpressionError where they are too many. */
export function exportedTo(state: RunState, step: StepState): ExportedVariable[] {
  if (state.exporters === 0) return []
  const { env } = comingTo(state, step)
  if (env.size > limits.env) throw new ExpressionError(say('many_variables', { most: limits.env }))
  return [...env].map(([name, { value, source }]) => ({ name, value, by: source.step }))
}

/** The folders that go in front of PATH, the latest first: of steps in the same workspace, so on the same host. */
export function pathFor(state: RunState, step: StepState, workspace: string): string[] {
  if (state.exporters === 0 || workspace === isolatedWorkspace) return []
  const isHere = ({ step: { reused }, exports }: Source) =>
    exports.workspace === workspace && (reused === null || state.inherited.has(workspace))
  const there = comingTo(state, step).paths.filter(isHere)
  const folders = there.flatMap(({ exports }) => exports.path).reverse()
  return [...new Set(folders)].slice(0, mostPaths)
}

const known = new WeakMap<StepState, Carried>()

function comingTo(state: RunState, step: StepState): Carried {
  return merged(step.needs.map((need) => carriedBy(state, need)))
}

/** Needs first, without going deep. */
function carriedBy(state: RunState, last: StepState): Carried {
  const found = new Map<StepState, Carried>()
  const open = [last]
  for (let step = open.at(-1); step; step = open.at(-1)) {
    const waiting = step.needs.filter((need) => !known.has(need) && !found.has(need))
    if (!known.has(step) && !found.has(step)) {
      if (waiting.length > 0) {
        open.push(...waiting)
        continue
      }
      const carried = withOwn(state, step, merged(step.needs.map((need) => known.get(need) ?? found.get(need)!)))
      if (carried.final) known.set(step, carried)
      else found.set(step, carried)
    }
    open.pop()
  }
  return known.get(last) ?? found.get(last)!
}

function withOwn(state: RunState, step: StepState, before: Carried): Carried {
  const final = before.final && isTerminal(step.status)
  const own = (step.copies ?? [step]).flatMap((one): Source[] =>
    one.exports ? [{ step: one, exports: one.exports, rank: rankOf(state.graph, step.id) + one.copyIndex + 1 }] : [],
  )
  if (own.length === 0) return before.final === final ? before : { ...before, final }
  const env = new Map(before.env)
  for (const source of own)
    for (const [name, value] of Object.entries(source.exports.env)) env.set(name, { value, source })
  const paths = [...before.paths, ...own.filter(({ exports }) => exports.path.length > 0)].slice(-mostPaths)
  return { env, paths, final }
}

function merged(all: readonly Carried[]): Carried {
  const some = all.filter(({ env, paths }) => env.size + paths.length > 0)
  const final = all.every((carried) => carried.final)
  const [first] = some
  if (!first) return final ? nothing : { ...nothing, final }
  if (some.every((carried) => carried === first)) return first.final === final ? first : { ...first, final }
  const env = new Map(first.env)
  for (const { env: more } of some.slice(1)) {
    for (const [name, set] of more) {
      const other = env.get(name)
      if (!other || other.source.rank < set.source.rank) env.set(name, set)
    }
  }
  // The same source may come by several ways, each with an object of its own.
  const paths = new Map(some.flatMap((carried) => carried.paths).map((source) => [source.rank, source]))
  const sorted = [...paths.values()].sort((a, b) => a.rank - b.rank).slice(-mostPaths)
  return { env, paths: sorted, final }
}

const ranks = new WeakMap<PipelineGraph, Map<string, number>>()

/** Copies of a step follow each other. */
function rankOf(graph: PipelineGraph, stepId: string): number {
  let all = ranks.get(graph)
  if (!all) {
    const room = limits.matrixCopies + 1
    all = new Map(topologicalOrder(graph.steps).map(({ id }, index) => [id, index * room]))
    ranks.set(graph, all)
  }
  return all.get(stepId) ?? 0
}
