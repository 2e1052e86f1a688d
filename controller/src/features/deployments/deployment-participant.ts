// Keeps what steps deploy, in the transactions of their runs: each once, however many attempts it takes and whoever dies meanwhile.
import { knownEnvironmentOf } from '@ansflow/engine/environments'
import type { RunState, StepState } from '@ansflow/engine/state'
import { isTerminal, StepStatus } from '@ansflow/proto/status'
import { starterOf } from '@ansflow/proto/triggers/run-origin'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { knownEnvironments } from '../environments/index.ts'
import type { RunChange, RunParticipant } from '../runs/index.ts'
import { DeployedEntity, DeploymentEntity, type DeploymentRow } from './deployment.entity.ts'

/** Tells others of it, inside the transaction. `replaced`: id of what was there before; empty: nothing. */
export type DeploymentNews = (
  em: EntityManager,
  deployment: Pick<DeploymentRow, 'id' | 'status' | 'url'>,
  of: Pick<RunChange, 'run' | 'belongs'> & { step: StepState; environment: string; replaced: string },
  now: Date,
) => Promise<void>

export function deploymentParticipant(tell: DeploymentNews, committed: () => void): RunParticipant {
  return {
    name: 'deployments',
    wants: ({ run, steps }) => run.meta.environments.length > 0 && [...steps].some(deploys),
    async write(to, changes, now) {
      const em = to.em()
      const news = changes.flatMap((change) => newsOf(change, now))
      const known = await knownEnvironments(em, [...new Set(news.map(({ row }) => row.environmentId))])
      const told = []
      const succeeded = new Map<string, DeploymentRow>()
      for (const { row, of, step } of news) {
        // Who deletes it takes its history away.
        if (!known.has(row.environmentId)) continue
        const { id } = await keep(em, row)
        told.push({ deployment: { ...row, id }, of, step })
        if (row.status === StepStatus.SUCCEEDED) succeeded.set(row.environmentId, { ...row, id })
      }
      const replaced = new Map<string, string>()
      // In order of their ids, so that two controllers never wait for each other.
      for (const environmentId of [...succeeded.keys()].sort()) {
        const { id: deploymentId, projectId } = succeeded.get(environmentId)!
        const before = await em.findOne(DeployedEntity, { environmentId }, { disableIdentityMap: true })
        if (before && before.deploymentId !== deploymentId) replaced.set(deploymentId, before.deploymentId)
        await em.upsert(DeployedEntity, { environmentId, projectId, deploymentId })
      }
      for (const { deployment, of: change, step } of told) {
        const of = {
          ...change,
          step,
          environment: deployment.environmentName,
          replaced: replaced.get(deployment.id) ?? '',
        }
        await tell(em, deployment, of, now)
      }
    },
    committed,
  }
}

/** Its copies do, where it has some. */
function deploys({ definition, copies, group, startedAt, status, reused }: StepState): boolean {
  if (!definition.environment || reused) return false
  // That it began may never have been told: then only its end says so.
  if (startedAt === null && status !== StepStatus.SUCCEEDED) return false
  return copies === null && (definition.matrix === undefined || group !== null)
}

async function keep(em: EntityManager, row: DeploymentRow): Promise<DeploymentRow> {
  const { runId, stepId, status, stepName, finishedAt, url } = row
  const before = await em.findOne(DeploymentEntity, { runId, stepId })
  if (!before) {
    await em.insert(DeploymentEntity, row)
    return row
  }
  if (before.status !== status)
    await em.nativeUpdate(DeploymentEntity, { id: before.id }, { status, stepName, finishedAt, url })
  return before
}

function newsOf(
  { run, belongs, steps }: RunChange,
  now: Date,
): { row: DeploymentRow; of: Pick<RunChange, 'run' | 'belongs'>; step: StepState }[] {
  return [...steps].filter(deploys).flatMap((step) => {
    const row = rowOf(run, step, now)
    return row ? [{ row, of: { run, belongs }, step }] : []
  })
}

function rowOf(run: RunState, step: StepState, now: Date): DeploymentRow | undefined {
  const environment = knownEnvironmentOf(run, step)
  if (!environment) return undefined
  const { meta } = run
  const { commit = '', branch = '', tag = '', message = '' } = meta.origin.git ?? {}
  const hasEnded = isTerminal(step.status)
  return {
    id: uuidv7(),
    projectId: meta.projectId,
    environmentId: environment.id,
    environmentName: environment.name,
    runId: meta.runId,
    stepId: step.id,
    stepName: cut(step.name, 255),
    runNumber: meta.number,
    pipelineId: meta.pipelineId,
    pipelineName: meta.pipelineName,
    version: meta.version,
    status: hasEnded ? step.status : StepStatus.RUNNING,
    commit,
    ref: tag || branch,
    commitTitle: cut(message.split('\n')[0]!.trim(), 200),
    startedBy: cut(starterOf(meta.origin).name, 255),
    url: environment.url,
    startedAt: step.startedAt ?? step.queuedAt ?? now,
    finishedAt: hasEnded ? (step.finishedAt ?? now) : null,
  }
}

function cut(text: string, most: number): string {
  return Array.from(text).slice(0, most).join('')
}
