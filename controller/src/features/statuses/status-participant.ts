// Runs that are for a commit of a connected repository: how they and, if wanted, their steps stand is told to its forge.
import type { RunState, StepState } from '@ansflow/engine/state'
import { StatusDetail } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { isTerminal, RunStatus, StepStatus, statusWord } from '@ansflow/proto/status'
import type { EntityManager } from '../../platform/db.ts'
import type { Repositories } from '../repositories/index.ts'
import type { RunChange, RunParticipant } from '../runs/index.ts'
import { duration } from './markdown.ts'
import { beginning, ending, isFailed, secondsBetween } from './run-report.ts'
import { type StatusNews, type Tell, tellStatus } from './statuses.ts'

/** Of one pipeline, the first of the file. */
export const mostStepStatuses = 20

/** `committed`: something is to be told. */
export function statusParticipant(
  { tell, repositories }: { tell: Tell; repositories: Repositories },
  committed: () => void,
): RunParticipant {
  return {
    name: 'statuses',
    wants: (change) => isOfCommit(change) && (change.started || change.ended || change.steps.size > 0),
    async write(to, changes, now) {
      const em = to.em()
      for (const change of changes) {
        const repositoryId = change.run.meta.origin.git?.repositoryId ?? ''
        const isEach = (await repositories.find(em, repositoryId))?.statusDetail === StatusDetail.STEPS
        if (change.started || change.ended) await tell(em, newsOf(change, isEach, now))
        if (isEach) await tellSteps(em, change, now)
      }
    },
    committed,
  }
}

/** A draft that somebody tries says nothing of a commit; a branch's own file, which is no version either, does, also when it runs again. */
export function isOfCommit({ run: { meta }, belongs }: Pick<RunChange, 'run' | 'belongs'>): boolean {
  const { git, cause, verified } = meta.origin
  if (!git || git.repositoryId === '' || git.commit === '') return false
  return meta.version > 0 || cause.case === 'webhook' || (belongs.rerunOf !== '' && verified)
}

function belongsOf({ meta: { runId, projectId, pipelineName, origin } }: RunState, now: Date) {
  const { repositoryId = '', commit = '' } = origin.git ?? {}
  return { repositoryId, projectId, commit, name: pipelineName, runId, now }
}

function newsOf({ run, ended }: RunChange, isEach: boolean, now: Date): StatusNews {
  const { number } = run.meta
  const belongs = belongsOf(run, now)
  if (!ended) return { ...belongs, state: 'running', description: `#${number} has begun`, report: beginning(run) }
  const report = ending(run, now)
  const failed = report.steps.filter((step) => step.failed || step.reason !== '').map(({ name }) => name)
  const said = `#${number} ${report.status} after ${duration(report.seconds ?? 0)}`
  const left = isEach ? Math.max(0, stepCount(run) - mostStepStatuses) : 0
  return {
    ...belongs,
    state: stateOf(run.status),
    description:
      said + (failed.length > 0 ? `: ${failed.join(', ')}` : left > 0 ? `; ${left} steps have no status` : ''),
    report,
  }
}

async function tellSteps(em: EntityManager, { run, steps }: RunChange, now: Date): Promise<void> {
  const belongs = belongsOf(run, now)
  for (const step of steps) {
    const isTold = step.status === StepStatus.RUNNING || isTerminal(step.status)
    if (step.group !== null || step.index >= mostStepStatuses || !isTold) continue
    const name = `${belongs.name} / ${nameIn(run, step)}`
    await tellStatus(em, { ...belongs, name, stepId: step.id, report: null, ...standOf(run, step) })
  }
}

function standOf(
  { meta: { number } }: RunState,
  { status, startedAt, finishedAt, ...step }: StepState,
): Pick<StatusNews, 'state' | 'description'> {
  if (!isTerminal(status)) return { state: 'running', description: `#${number} is at it` }
  const seconds = secondsBetween(startedAt, finishedAt)
  const took = seconds === null ? '' : ` after ${duration(seconds)}`
  const isLet = isFailed({ status, startedAt, finishedAt, ...step }) && step.failureAllowed
  return {
    state: isLet ? 'succeeded' : stateOf(status),
    description: `#${number} ${statusWord(status)}${took}${isLet ? ', which it may' : ''}`,
  }
}

/** People may call two steps the same, and one status tells of one of them. */
function nameIn({ graph }: RunState, { id, name }: StepState): string {
  return graph.steps.filter((step) => (step.name || step.id) === name).length > 1 ? `${name} (${id})` : name
}

/** Without copies. */
function stepCount({ graph }: RunState): number {
  return graph.steps.length
}

/** Of what has ended. */
function stateOf(status: RunStatus | StepStatus): StatusNews['state'] {
  if (status === RunStatus.SUCCEEDED || status === RunStatus.SKIPPED) return 'succeeded'
  return status === RunStatus.CANCELED ? 'canceled' : 'failed'
}
