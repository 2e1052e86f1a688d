// What `git` holds in expressions: what the run's first checkout, in the order of the file, has fetched. Empty before that.
import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { StepStatus } from '@ansflow/proto/status'
import type { RunState } from './state.ts'

const tags = 'refs/tags/'
const checkouts = new WeakMap<PipelineGraph, StepDefinition | null>()

export function gitFacts({ graph, steps }: Pick<RunState, 'graph' | 'steps'>): Record<string, string> {
  let first = checkouts.get(graph)
  if (first === undefined) {
    first = graph.steps.find(({ uses, disabled }) => uses === 'fetch_code' && !disabled) ?? null
    checkouts.set(graph, first)
  }
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
    url: typeof url === 'string' && !url.includes('${{') ? url : '',
  }
}
