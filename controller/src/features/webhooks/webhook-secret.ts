// The secret of a webhook: made of a mark in its row and of the key that tokens are hashed with, so that neither the database nor a
// copy of it holds it, and whoever signs with it can be checked all the same.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Keys } from '../../platform/crypto.ts'
import type { WebhookRow } from './webhook.entity.ts'

export function secretOf(keys: Keys, { id, mark }: Pick<WebhookRow, 'id' | 'mark'>): string | undefined {
  return mark === null ? undefined : `afh_${keys.hashToken(`webhook ${id} ${mark}`)}`
}

/** In the same time, however much of it is right. */
export function isSecret(given: string, secret: string): boolean {
  return timingSafeEqual(digest(given), digest(secret))
}

/** `given`: hex, as "sha256=…" or alone. */
export function isSignature(given: string, body: Uint8Array, secret: string): boolean {
  const right = createHmac('sha256', secret).update(body).digest()
  const hex = given.trim().replace(/^sha256=/i, '')
  const signature = /^[0-9a-f]{64}$/i.test(hex) ? Buffer.from(hex, 'hex') : Buffer.alloc(right.length)
  return timingSafeEqual(signature, right)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
