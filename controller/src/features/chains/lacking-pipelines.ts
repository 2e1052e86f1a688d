// The pipelines that a draft's steps run: that they are there and published, and that they take the inputs they would get. What
// somebody may not see is not told.
import { type CallDemand, mostDemands } from '@ansflow/proto/demands'
import type { InputDefinition, Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { writtenInputFindings } from '@ansflow/proto/inputs'
import { shortText } from '@ansflow/proto/texts/parts'
import { say } from '@ansflow/proto/texts/say'
import { problemOf } from '@ansflow/proto/validate'
import { findPipelineNamed, inputsOfLatest, type PipelineParticipant, type PipelineRow } from '../pipelines/index.ts'
import { refusalFor, scopeOf } from './link-keeper.ts'

/** Of different pipelines; those that are called beyond these a run finds out. */
const mostLookedAt = 20

export const lackingPipelines: NonNullable<PipelineParticipant['lacking']> = async (em, draft) => {
  const problems: Problem[] = []
  const byName = Map.groupBy(draft.demands.calls.slice(0, mostDemands), ({ pipeline }) => pipeline)
  for (const [written, calls] of [...byName].slice(0, mostLookedAt)) {
    const name = shortText(written)
    const other = await findPipelineNamed(em, draft.projectId, written)
    const scope = other && (await scopeOf(em, other.projectId))
    if (!other || !scope?.organizationId) {
      for (const { stepId } of calls)
        problems.push(problemOf({ stepId, field: 'with.pipeline', said: say('call_missing', { name }) }))
      continue
    }
    if (!draft.may('run.start', scope)) {
      const said = say(refusalFor(draft, scope, 'call_forbidden'), { name })
      for (const { stepId } of calls) problems.push(problemOf({ stepId, field: 'with.pipeline', said }))
      continue
    }
    const inputs = await inputsOfLatest(em, other)
    for (const call of calls) problems.push(...lackedBy(call, other, inputs))
  }
  return problems
}

function lackedBy(
  { stepId, inputs: given, pipeline }: CallDemand,
  { latestVersion }: PipelineRow,
  inputs: readonly InputDefinition[] | undefined,
): Problem[] {
  const name = shortText(pipeline)
  if (!inputs) {
    return [problemOf({ stepId, field: 'with.pipeline', said: say('call_unpublished', { name }), warning: true })]
  }
  return writtenInputFindings(inputs, given).map(({ name: input, said: problem }) => {
    // Where the sentence says already what there is, that is enough.
    const isSaid = problem.params.known !== undefined || problem.params.only !== undefined
    const all = isSaid || inputs.length === 0 ? undefined : namesOf(inputs)
    const said = say('call_input', {
      pipeline: name,
      version: latestVersion,
      input: shortText(input),
      problem,
      inputs: all,
    })
    return problemOf({ stepId, field: 'with.inputs', said, warning: true })
  })
}

const mostNamed = 10

function namesOf(inputs: readonly InputDefinition[]): string {
  const names = inputs.slice(0, mostNamed).map(({ name }) => name)
  return names.join(', ') + (inputs.length > mostNamed ? ' …' : '')
}
