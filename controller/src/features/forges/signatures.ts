// The ways in which forges show that they know the secret of a hook.
import type { IncomingHttpHeaders } from 'node:http'
import { isBase64Signature, isSecret, isSignature } from '../../platform/signed.ts'
import { headerOf } from './read-events.ts'

/** In one of these headers, as hex: "sha256=…" or alone. */
export function isSignedIn(names: string[]) {
  return (headers: IncomingHttpHeaders, body: Uint8Array, secret: string): boolean =>
    secret !== '' && names.some((name) => isSignature(headerOf(headers, name), body, secret))
}

export function isSecretIn(headers: IncomingHttpHeaders, name: string, secret: string): boolean {
  return secret !== '' && isSecret(headerOf(headers, name), secret)
}

/** How far the clocks of a forge and of a controller may be apart, with all that a delivery waits on its way. */
const longestMs = 3_600_000

/** `at`: as headers hold it. */
export function isFresh(at: string, unitMs: number, now: Date): boolean {
  return /^\d{1,16}$/.test(at) && Math.abs(Number(at) * unitMs - now.getTime()) <= longestMs
}

/**
 * As "Standard Webhooks" has it: webhook-id, webhook-timestamp (seconds) and webhook-signature ("v1,<base64>", several with spaces
 * between them), made over "id.timestamp.body". A secret that begins with whsec_ holds the key in base64.
 */
export function isStandardSigned(headers: IncomingHttpHeaders, body: Uint8Array, secret: string, now: Date): boolean {
  const at = headerOf(headers, 'webhook-timestamp')
  if (secret === '' || !isFresh(at, 1000, now)) return false
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret
  const signed = Buffer.concat([Buffer.from(`${headerOf(headers, 'webhook-id')}.${at}.`), body])
  const given = headerOf(headers, 'webhook-signature').split(' ').slice(0, 5)
  return given.some((each) => isBase64Signature(each.replace(/^v1,/, ''), signed, key))
}
