// Begins the run that a pipeline wants when one of another has ended, and keeps what became of it beside the trigger.
import { mostChained } from '@ansflow/proto/child-run'
import { ExpressionError } from '@ansflow/proto/expression'
import { RunTriggerSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type GitFacts, type Run, RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { reason, reasonText } from '@ansflow/proto/reasons'
import { saidText } from '@ansflow/proto/texts/said-text'
import { gitFactsOf } from '@ansflow/proto/triggers/git-facts'
import { givenInputs, type TriggerEvent } from '@ansflow/proto/triggers/trigger-inputs'
import { create, fromJsonString, type JsonObject } from '@bufbuild/protobuf'
import { findPipeline } from '../pipelines/index.ts'
import { readRunHead, refusalOf, startPublished, trustOf } from '../runs/index.ts'
import { type ChainedRunRow, forget, type TriggeredAsk } from './chain-tables.ts'
import { PipelineLinkEntity, type PipelineLinkRow } from './pipeline-link.entity.ts'
import type { ChainDeps } from './settle-chains.ts'
import { chainOf } from './start-child.ts'

export async function startTriggered(deps: ChainDeps, row: ChainedRunRow): Promise<void> {
  const { linkId, event } = JSON.parse(row.ask) as TriggeredAsk
  const em = deps.db.em()
  const link = await em.findOne(PipelineLinkEntity, { id: linkId })
  // The pipeline has another version, or is gone.
  if (!link) return forget(deps.db, row)
  const problem = await start(deps, row, link, event)
  const last = {
    lastAt: deps.clock.now(),
    lastRunId: problem === '' ? row.id : null,
    lastProblem: problem.slice(0, 512),
  }
  await deps.db.em().nativeUpdate(PipelineLinkEntity, { id: linkId }, last)
  await forget(deps.db, row)
}

/** Why not, or "". */
async function start(deps: ChainDeps, row: ChainedRunRow, link: PipelineLinkRow, event: TriggerEvent): Promise<string> {
  const ended = await readRunHead(deps.db, deps.db.em(), row.run_id)
  if (!ended) return 'The run that has ended is gone.'
  const chain = [...chainOf(ended), row.run_name]
  if (chain.length >= mostChained) {
    return reasonText(reason('child_deep', { chain: chain.join(' → '), most: String(mostChained) }))
  }
  const { inputs = {} } = fromJsonString(RunTriggerSchema, link.definition ?? '{}', { ignoreUnknownFields: true })
  const { number, pipelineName } = ended
  const cause = { case: 'run' as const, value: { runId: ended.id, number, pipelineName, stepId: '', chain } }
  const owner = await findPipeline(deps.db.em(), link.ownerId)
  const git = gitOf(event, ended, owner?.projectId)
  try {
    await startPublished(deps, {
      pipelineId: link.ownerId,
      inputs: givenInputs(inputs, event),
      textInputs: true,
      origin: create(RunOriginSchema, { cause, ...trustOf(ended.origin), ...(git && { git }) }),
      runId: row.id,
      by: '',
    })
    return ''
  } catch (error) {
    if (error instanceof ExpressionError) return saidText(error.said)
    return refusalOf(error).message
  }
}

/**
 * What the run that has ended was for is what this one is for: it is listed with the commit and gets at the repository, as far as it is
 * trusted. Of another project's repository it knows no more than what it is called.
 */
function gitOf(
  event: TriggerEvent,
  { projectId, origin }: Run,
  ownProjectId: string | undefined,
): GitFacts | undefined {
  const git = gitFactsOf(event.git as JsonObject)
  const repositoryId = projectId === ownProjectId ? (origin?.git?.repositoryId ?? '') : ''
  return git && { ...git, repositoryId }
}
