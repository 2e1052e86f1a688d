// Runs again what was decided to be: each once, whoever goes on with the delivery.
import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { WebhookCauseSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isProblemCode } from '@ansflow/proto/texts/said-text'
import { type Said, say } from '@ansflow/proto/texts/say'
import { create } from '@bufbuild/protobuf'
import type { RepositoryRow } from '../repositories/index.ts'
import { type RepeatRun, refusalOf } from '../runs/index.ts'
import { toDecision } from './decisions.ts'
import type { RepositoryDeliveryRow } from './delivery.entity.ts'
import type { RerunJudgement } from './judge-rerun.ts'
import type { Outcome } from './outcome.ts'
import { type PlanDeps, planRuns } from './plan-runs.ts'

export interface RepeatDecidedDeps extends PlanDeps {
  repeat: RepeatRun
}

interface Work {
  row: RepositoryDeliveryRow
  repository: RepositoryRow
  /** Which of the delivery's events it is. */
  index: number
}

export async function repeatDecided(
  deps: RepeatDecidedDeps,
  { row, repository, index }: Work,
  { decided, why, ...subject }: RerunJudgement,
): Promise<Outcome> {
  if (why) return { ...subject, result: RepositoryDeliveryResult.NOTHING, why }
  const decisions = []
  for (const { runId, ...each } of await planRuns(deps, { row, index }, decided)) {
    const begun = each.start && (await repeatOne(deps, { row, repository, subject, runId }, each.start.id))
    if (begun === undefined) decisions.push(toDecision(each, {}))
    else if (typeof begun === 'number') decisions.push(toDecision(each, { runId, runNumber: begun }))
    else decisions.push(toDecision({ ...each, why: begun }, {}))
  }
  const isStarted = decisions.some((each) => each.runId !== '')
  const result = isStarted ? RepositoryDeliveryResult.STARTED : RepositoryDeliveryResult.NOTHING
  return { ...subject, result, decisions }
}

/** The number of the new run; a sentence: why there is none. What may go later is thrown. */
async function repeatOne(
  { repeat }: RepeatDecidedDeps,
  {
    row,
    repository,
    subject,
    runId: newId,
  }: Omit<Work, 'index'> & { subject: Pick<RerunJudgement, 'sender'>; runId: string },
  runId: string,
): Promise<number | Said> {
  const { id: deliveryId, event } = row
  const { id: repositoryId, fullName: name } = repository
  const sender = subject.sender.slice(0, 256)
  const value = create(WebhookCauseSchema, { deliveryId, name, event, repositoryId, sender, repeats: true })
  try {
    return (await repeat({ runId, cause: { case: 'webhook', value }, newId })).number
  } catch (error) {
    const { message, violations } = refusalOf(error)
    const [first] = violations
    if (first?.code === undefined || !isProblemCode(first.code)) return say('delivery_refused', { detail: message })
    return say('delivery_rerun', { problem: { code: first.code, params: first.params ?? {} } })
  }
}
