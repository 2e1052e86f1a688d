// What `git` holds in expressions: what the run is for, if its origin says so; else what its first checkout, in the order of the
// file, has fetched, and nothing before that.
import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { firstCheckout } from '@ansflow/proto/graph'
import { StepStatus } from '@ansflow/proto/status'
import { type GitValues, gitValues } from '@ansflow/proto/triggers/git-facts'
import type { RunState } from '../state.ts'

const tags = 'refs/tags/'
const checkouts = new WeakMap<PipelineGraph, StepDefinition | null>()

export function gitFacts({
  meta,
  graph,
  steps,
}: Pick<RunState, 'meta' | 'graph' | 'steps'>): Readonly<Partial<GitValues>> {
  const { git } = meta.origin
  if (git) return gitValues(git)
  const first = checkoutOf(graph)
  const step = first && steps.get(first.id)
  if (step?.status !== StepStatus.SUCCEEDED) return {}
  const { commit = '', ref = '', branch = '' } = step.outputs
  const url = first?.with?.['url']
  return {
    commit,
    ref,
    branch,
    tag: ref.startsWith(tags) ? ref.slice(tags.length) : '',
    // An address that an expression puts together is known to the step alone.
    repository: typeof url === 'string' && !url.includes('${{') ? url : '',
  }
}

/** For expressions. Undefined: it will have been fetched by then, in a run that is only foreseen. */
export function gitContext(state: RunState): Readonly<Partial<GitValues>> | undefined {
  const { meta, graph, steps } = state
  const isOpen = meta.foresees && !meta.origin.git
  const first = isOpen ? checkoutOf(graph) : null
  return first && steps.get(first.id)?.status === StepStatus.SUCCEEDED ? undefined : gitFacts(state)
}

function checkoutOf(graph: PipelineGraph): StepDefinition | null {
  let first = checkouts.get(graph)
  if (first === undefined) {
    first = firstCheckout(graph) ?? null
    checkouts.set(graph, first)
  }
  return first
}
