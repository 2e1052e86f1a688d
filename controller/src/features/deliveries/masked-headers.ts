// The headers of a delivery as they are kept and shown: what signs it or lets somebody in is masked.
import type { IncomingHttpHeaders } from 'node:http'

const secret = /sign|token|auth|cookie|secret|key|password/i
/** Names of events and of deliveries, which the first pattern would take for secrets. */
const open = new Set(['x-event-key', 'idempotency-key'])
/** Of the way here, and of nobody's interest. */
const dropped = new Set(['host', 'connection', 'content-length', 'accept', 'accept-encoding', 'transfer-encoding'])
const most = 60
const longest = 1024

export function maskedHeaders(headers: IncomingHttpHeaders): [name: string, value: string][] {
  return Object.entries(headers)
    .filter(([name, value]) => value !== undefined && !dropped.has(name))
    .slice(0, most)
    .map(([name, value]) => {
      const text = Array.isArray(value) ? value.join(', ') : String(value)
      return [name, isSecretHeader(name) ? masked(text) : text.slice(0, longest)]
    })
}

export function isSecretHeader(name: string): boolean {
  return secret.test(name) && !open.has(name)
}

/** Its end stays, so that one is told from another; a short one goes whole. */
function masked(text: string): string {
  const scheme = /^[a-z0-9]+=/i.exec(text)?.[0] ?? ''
  return `${scheme}••••••••${text.length - scheme.length >= 32 ? text.slice(-4) : ''}`
}
