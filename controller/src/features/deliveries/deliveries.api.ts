// DeliveryService.
import { invalidField, notFound, precondition } from '@ansflow/proto/errors'
import {
  DeliveryService,
  type RepositoryDelivery,
  RepositoryDeliveryResult,
  RepositoryDeliverySchema,
} from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import type { Said } from '@ansflow/proto/texts/say'
import { problemOf } from '@ansflow/proto/validate'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Bus } from '../../platform/bus.ts'
import type { EntityManager } from '../../platform/db.ts'
import { personOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { decisionsOf } from './decisions.ts'
import { RepositoryDeliveryEntity, type RepositoryDeliveryRow } from './delivery.entity.ts'
import { type ExplainDeps, explainEvent } from './explain-event.ts'
import { bodyOf, mostDeliveries, repeatOf } from './inbox.ts'

interface Deps extends ExplainDeps {
  bus: Bus
}

const shownBytes = 256 * 1024

export function deliveriesApi(deps: Deps): ServiceTable {
  const { bus, clock, repositories, pullRequests } = deps
  return serviceTable(DeliveryService, {
    async listRepositoryDeliveries({ repositoryId, results }, ctx) {
      const where = { repositoryId, ...(results.length > 0 && { result: { $in: results } }) }
      const page = {
        orderBy: { id: 'desc' as const },
        limit: mostDeliveries,
        exclude: ['body' as const, 'headers' as const],
      }
      const rows = await ctx.em.find(RepositoryDeliveryEntity, where, page)
      return { deliveries: rows.map((row) => toDelivery(row as RepositoryDeliveryRow)) }
    },

    async getRepositoryDelivery({ repositoryId, deliveryId }, ctx) {
      const row = await load(ctx.em, repositoryId, deliveryId)
      const body = await bodyOf(row)
      const headers = (JSON.parse(row.headers) as [string, string][]).map(([name, value]) => ({ name, value }))
      const shown = body.subarray(0, shownBytes)
      return { delivery: toDelivery(row), headers, body: shown.toString('utf8'), bodyCut: shown.length < body.length }
    },

    async deliverAgain({ repositoryId, deliveryId }, ctx) {
      const row = await load(ctx.em, repositoryId, deliveryId)
      if (row.body === null) {
        throw precondition(
          'delivery_refused',
          'Its signature was wrong, so nothing of it is believed: let the forge send it again.',
        )
      }
      const repository = await repositories.load(ctx.em, repositoryId)
      const again = await repeatOf(row, repository, clock.now())
      await ctx.change(async (em) => {
        await em.insert(RepositoryDeliveryEntity, again)
        const resource = { kind: 'repository', id: repositoryId, name: repository.fullName }
        return { result: undefined, resource, after: { delivery: again.id, repeats: row.id } }
      })
      bus.publish('delivery.due', {})
      return { delivery: toDelivery(again) }
    },

    async trustCommit({ repositoryId, pullRequest, commit }, ctx) {
      const repository = await repositories.load(ctx.em, repositoryId)
      const name = personOf(ctx).name.slice(0, 255)
      if (!/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit)) {
        throw invalidField('commit', 'must be 40 or 64 hexadecimal digits, in small letters')
      }
      const deliveryId = await ctx.change(async (em) => {
        const waiting = await pullRequests.trust(em, { repositoryId, pullRequest, commit, by: name })
        // All that has waited for it: each says something else of it (opened, labeled).
        const told = { repositoryId, ref: `#${pullRequest}`, commit }
        let repeated: string | undefined
        if (waiting) {
          const again = { result: RepositoryDeliveryResult.TAKEN, nextAt: clock.now(), attempts: 0 }
          await em.nativeUpdate(RepositoryDeliveryEntity, { ...told, result: RepositoryDeliveryResult.WAITS }, again)
          // And all that has run without trust, whose runs stay what they are.
          const ran = await em.find(RepositoryDeliveryEntity, { ...told, untrusted: true, repeats: null })
          for (const row of ran) {
            const next = await repeatOf(row, repository, clock.now())
            await em.insert(RepositoryDeliveryEntity, next)
            if (row.id === waiting) repeated = next.id
          }
        }
        const resource = { kind: 'repository', id: repositoryId, name: repository.fullName }
        const after = { pullRequest, commit }
        return { result: repeated ?? waiting ?? '', resource, after }
      })
      bus.publish('delivery.due', {})
      return { deliveryId }
    },

    explainEvent: async (request, ctx) => ({ events: await explainEvent(deps, ctx, request) }),
  })
}

async function load(em: EntityManager, repositoryId: string, id: string): Promise<RepositoryDeliveryRow> {
  const row = await em.findOne(RepositoryDeliveryEntity, { id, repositoryId })
  if (!row) throw notFound('delivery', id)
  return row
}

function toDelivery(row: RepositoryDeliveryRow): RepositoryDelivery {
  const { id, repositoryId, receivedAt, name, event, result, ref, commit, sender, problem, said, answeredMs } = row
  const { untrusted } = row
  return create(RepositoryDeliverySchema, {
    id,
    repositoryId,
    receivedAt: timestampFromDate(receivedAt),
    name: name ?? '',
    event,
    result,
    ref,
    commit,
    sender,
    decisions: decisionsOf(row),
    problem,
    ...(said && { problemInfo: problemOf({ said: JSON.parse(said) as Said, field: 'on' }) }),
    answeredMs,
    repeats: row.repeats ?? '',
    size: row.size,
    untrusted,
  })
}
