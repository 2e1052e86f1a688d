// What repositories want to know of the deliveries that are kept.
import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import type { Clock } from '../../platform/clock.ts'
import type { DeliveryCounts, KeptDeliveries } from '../repositories/index.ts'
import { RepositoryDeliveryEntity } from './delivery.entity.ts'

const week = 7 * 24 * 3_600_000

export function keptDeliveries(clock: Clock): KeptDeliveries {
  return {
    async count(em, repositoryIds) {
      const since = new Date(clock.now().getTime() - week)
      const counts = new Map<string, DeliveryCounts>()
      for (const repositoryId of repositoryIds) {
        const where = { repositoryId, receivedAt: { $gte: since } }
        const delivered = await em.count(RepositoryDeliveryEntity, where)
        const ofRefused = { ...where, result: RepositoryDeliveryResult.REFUSED }
        const newest = { orderBy: { receivedAt: 'desc' as const }, fields: ['receivedAt' as const] }
        const refused = await em.count(RepositoryDeliveryEntity, ofRefused)
        const last = refused > 0 ? await em.findOne(RepositoryDeliveryEntity, ofRefused, newest) : null
        counts.set(repositoryId, { delivered, refused, ...(last && { lastRefusedAt: last.receivedAt }) })
      }
      return counts
    },

    async forget(em, repositoryId) {
      await em.nativeDelete(RepositoryDeliveryEntity, { repositoryId })
    },
  }
}
