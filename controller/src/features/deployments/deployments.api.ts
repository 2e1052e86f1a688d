// DeploymentService.
import { DeploymentSchema, DeploymentService } from '@ansflow/proto/gen/ansflow/v1/deployments_pb'
import { StepStatus } from '@ansflow/proto/status'
import { starterOf } from '@ansflow/proto/triggers/run-origin'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Db, EntityManager } from '../../platform/db.ts'
import { cutPage, pageSize, readCursor } from '../../platform/page.ts'
import { projectOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { environmentsOf } from '../environments/index.ts'
import { readRunHeads } from '../runs/index.ts'
import { DeployedEntity, DeploymentEntity, type DeploymentRow } from './deployment.entity.ts'

const mostRunning = 3

export function deploymentsApi(db: Db): ServiceTable {
  return serviceTable(DeploymentService, {
    async listDeployments(request, ctx) {
      const projectId = projectOf(ctx)
      const { environmentId, commit } = request
      const size = pageSize(request.pageSize, 25, 100)
      const [before] = readCursor(request.pageToken, 1) ?? []
      const rows = await ctx.em.find(
        DeploymentEntity,
        {
          projectId,
          ...(environmentId !== '' && { environmentId }),
          ...(commit !== '' && { commit }),
          ...(before !== undefined && { id: { $lt: before } }),
        },
        { orderBy: { id: 'desc' }, limit: size + 1 },
      )
      const { page, nextPageToken } = cutPage(rows, size, ({ id }) => [id])
      const current = await currentIds(ctx.em, projectId)
      const starters = await startersOf(db, ctx.em, page)
      return { deployments: page.map((row) => present(row, current, starters)), nextPageToken }
    },

    async listEnvironmentStates(_request, ctx) {
      const { em } = ctx
      const projectId = projectOf(ctx)
      const current = await currentIds(em, projectId)
      const there = await em.find(DeploymentEntity, { id: { $in: [...current] } })
      const found = []
      for (const { id: environmentId } of await environmentsOf(em, projectId)) {
        const running = await newestOf(em, { environmentId, status: StepStatus.RUNNING }, mostRunning)
        const [last] = await newestOf(em, { environmentId }, 1)
        const now = there.find((row) => row.environmentId === environmentId)
        found.push({ environmentId, now, running, last })
      }
      const rows = found.flatMap(({ now, running, last }) => [now, ...running, last].flatMap((row) => row ?? []))
      const starters = await startersOf(db, em, rows)
      const answer = (row: DeploymentRow) => present(row, current, starters)
      const states = found.map(({ environmentId, now, running, last }) => ({
        environmentId,
        ...(now && { current: answer(now) }),
        running: running.map(answer),
        ...(last && { last: answer(last) }),
      }))
      return { states }
    },
  })
}

function newestOf(em: EntityManager, where: Partial<Pick<DeploymentRow, 'environmentId' | 'status'>>, limit: number) {
  return em.find(DeploymentEntity, where, { orderBy: { id: 'desc' }, limit })
}

async function currentIds(em: EntityManager, projectId: string): Promise<Set<string>> {
  const rows = await em.find(DeployedEntity, { projectId })
  return new Set(rows.map(({ deploymentId }) => deploymentId))
}

/** Who has started their runs, by the run: those that a person has, and that are there still. */
async function startersOf(db: Db, em: EntityManager, rows: readonly DeploymentRow[]): Promise<Map<string, string>> {
  const runs = await readRunHeads(db, em, [...new Set(rows.map(({ runId }) => runId))])
  return new Map(runs.map(({ id, origin }) => [id, starterOf(origin).userId]))
}

function present(row: DeploymentRow, current: ReadonlySet<string>, starters: ReadonlyMap<string, string>) {
  const { startedAt, finishedAt, projectId: _, ...said } = row
  return create(DeploymentSchema, {
    ...said,
    startedByUserId: starters.get(row.runId) ?? '',
    current: current.has(row.id),
    startedAt: timestampFromDate(startedAt),
    ...(finishedAt && { finishedAt: timestampFromDate(finishedAt) }),
  })
}
