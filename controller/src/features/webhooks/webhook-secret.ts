// The secret of a webhook: made of a mark in its row and of the key that tokens are hashed with, so that neither the database nor a
// copy of it holds it, and whoever signs with it can be checked all the same.
import type { Keys } from '../../platform/crypto.ts'
import type { WebhookRow } from './webhook.entity.ts'

export function secretOf(keys: Keys, { id, mark }: Pick<WebhookRow, 'id' | 'mark'>): string | undefined {
  return mark === null ? undefined : `afh_${keys.hashToken(`webhook ${id} ${mark}`)}`
}
