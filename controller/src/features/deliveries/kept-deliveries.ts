// What repositories want to know of the deliveries that are kept.
import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import type { Clock } from '../../platform/clock.ts'
import type { KeptDeliveries } from '../repositories/index.ts'
import { RepositoryDeliveryEntity } from './delivery.entity.ts'

const week = 7 * 24 * 3_600_000

export function keptDeliveries(clock: Clock): KeptDeliveries {
  return {
    async count(em, repositoryIds) {
      const since = new Date(clock.now().getTime() - week)
      const counts = new Map<string, { delivered: number; refused: number }>()
      for (const repositoryId of repositoryIds) {
        const where = { repositoryId, receivedAt: { $gte: since } }
        const delivered = await em.count(RepositoryDeliveryEntity, where)
        const refused = await em.count(RepositoryDeliveryEntity, { ...where, result: RepositoryDeliveryResult.REFUSED })
        counts.set(repositoryId, { delivered, refused })
      }
      return counts
    },

    async forget(em, repositoryId) {
      await em.nativeDelete(RepositoryDeliveryEntity, { repositoryId })
    },
  }
}
