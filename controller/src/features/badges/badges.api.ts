// BadgeService.
import { randomBytes } from 'node:crypto'
import { notFound } from '@ansflow/proto/errors'
import { type Badge, BadgeSchema, BadgeService } from '@ansflow/proto/gen/ansflow/v1/badges_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../platform/clock.ts'
import type { Keys } from '../../platform/crypto.ts'
import type { EntityManager } from '../../platform/db.ts'
import { personOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { findPipeline, type PipelineRow } from '../pipelines/index.ts'
import type { Repositories } from '../repositories/index.ts'
import { BadgeEntity, type BadgeRow } from './badge.entity.ts'
import { badgePath } from './badge-token.ts'

interface Deps {
  clock: Clock
  keys: Keys
  repositories: Repositories
}

export function badgesApi({ clock, keys, repositories }: Deps): ServiceTable {
  return serviceTable(BadgeService, {
    async getBadge({ pipelineId }, { em }) {
      const pipeline = await load(em, pipelineId)
      const row = await em.findOne(BadgeEntity, { pipelineId })
      return { badge: await present(em, pipeline, row ?? undefined) }
    },

    async renewBadge({ pipelineId }, ctx) {
      const by = personOf(ctx)
      return ctx.change(async (em) => {
        const pipeline = await load(em, pipelineId)
        const made = {
          mark: randomBytes(32).toString('hex'),
          renewedAt: clock.now(),
          renewedByName: by.name.slice(0, 255),
        }
        const row = { pipelineId, projectId: pipeline.projectId, ...made }
        if ((await em.nativeUpdate(BadgeEntity, { pipelineId }, made)) === 0) await em.insert(BadgeEntity, row)
        const resource = { kind: 'pipeline', id: pipelineId, name: pipeline.name }
        return { result: { badge: await present(em, pipeline, row) }, resource, after: { badge: 'a new address' } }
      })
    },
  })

  async function present(em: EntityManager, pipeline: PipelineRow, row: BadgeRow | undefined): Promise<Badge> {
    const { repositoryId } = pipeline
    const repository = repositoryId ? await repositories.find(em, repositoryId) : undefined
    return create(BadgeSchema, {
      path: badgePath(keys, pipeline.id, row?.mark ?? ''),
      defaultBranch: repository?.defaultBranch ?? '',
      ...(row && { renewedAt: timestampFromDate(row.renewedAt), renewedByName: row.renewedByName }),
    })
  }
}

async function load(em: EntityManager, id: string): Promise<PipelineRow> {
  const pipeline = await findPipeline(em, id)
  if (!pipeline) throw notFound('pipeline', id)
  return pipeline
}
