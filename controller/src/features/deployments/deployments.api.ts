// DeploymentService.
import { DeploymentSchema, DeploymentService } from '@ansflow/proto/gen/ansflow/v1/deployments_pb'
import { StepStatus } from '@ansflow/proto/status'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { EntityManager } from '../../platform/db.ts'
import { cutPage, pageSize, readCursor } from '../../platform/page.ts'
import { projectOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { environmentsOf } from '../environments/index.ts'
import { DeployedEntity, DeploymentEntity, type DeploymentRow } from './deployment.entity.ts'

const mostRunning = 3

export function deploymentsApi(): ServiceTable {
  return serviceTable(DeploymentService, {
    async listDeployments(request, ctx) {
      const projectId = projectOf(ctx)
      const { environmentId } = request
      const size = pageSize(request.pageSize, 25, 100)
      const [before] = readCursor(request.pageToken, 1) ?? []
      const rows = await ctx.em.find(
        DeploymentEntity,
        {
          projectId,
          ...(environmentId !== '' && { environmentId }),
          ...(before !== undefined && { id: { $lt: before } }),
        },
        { orderBy: { id: 'desc' }, limit: size + 1 },
      )
      const { page, nextPageToken } = cutPage(rows, size, ({ id }) => [id])
      const current = await currentIds(ctx.em, projectId)
      return { deployments: page.map((row) => present(row, current)), nextPageToken }
    },

    async listEnvironmentStates(_request, ctx) {
      const { em } = ctx
      const projectId = projectOf(ctx)
      const current = await currentIds(em, projectId)
      const there = await em.find(DeploymentEntity, { id: { $in: [...current] } })
      const states = []
      for (const { id: environmentId } of await environmentsOf(em, projectId)) {
        const running = await newestOf(em, { environmentId, status: StepStatus.RUNNING }, mostRunning)
        const [last] = await newestOf(em, { environmentId }, 1)
        const now = there.find((row) => row.environmentId === environmentId)
        states.push({
          environmentId,
          ...(now && { current: present(now, current) }),
          running: running.map((row) => present(row, current)),
          ...(last && { last: present(last, current) }),
        })
      }
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

function present(row: DeploymentRow, current: ReadonlySet<string>) {
  const { startedAt, finishedAt, projectId: _, ...said } = row
  return create(DeploymentSchema, {
    ...said,
    current: current.has(row.id),
    startedAt: timestampFromDate(startedAt),
    ...(finishedAt && { finishedAt: timestampFromDate(finishedAt) }),
  })
}
