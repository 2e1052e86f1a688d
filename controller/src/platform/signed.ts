// Whether others know a secret: they say it, or have signed with it. All in the same time, however much is right.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export function isSecret(given: string, secret: string): boolean {
  return timingSafeEqual(digest(given), digest(secret))
}

/** HMAC-SHA256. `given`: hex, as "sha256=…" or alone. */
export function isSignature(given: string, body: Uint8Array, secret: string | Uint8Array): boolean {
  const hex = given.trim().replace(/^sha256=/i, '')
  return isDigest(/^[0-9a-f]{64}$/i.test(hex) ? Buffer.from(hex, 'hex') : none, body, secret)
}

/** `given`: base64. */
export function isBase64Signature(given: string, body: Uint8Array | string, secret: string | Uint8Array): boolean {
  return isDigest(/^[A-Za-z0-9+/]{43}=$/.test(given) ? Buffer.from(given, 'base64') : none, body, secret)
}

const none = Buffer.alloc(0)

function isDigest(given: Buffer, body: Uint8Array | string, secret: string | Uint8Array): boolean {
  const right = createHmac('sha256', secret).update(body).digest()
  const isWhole = given.length === right.length
  return timingSafeEqual(isWhole ? given : Buffer.alloc(right.length), right) && isWhole
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
