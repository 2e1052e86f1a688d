// Which requests come from our own pages: the one place that decides about cross-site calls and sockets.
import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '@ansflow/proto/errors'
import { parseCookie } from 'cookie'

export const sessionCookie = 'ansflow_session'

type Origin = 'ours' | 'foreign' | 'unknown'

/** `unknown`: no browser sent this, or a very old one. */
function originOf(headers: IncomingHttpHeaders, publicUrl: string | undefined): Origin {
  const site = headers['sec-fetch-site']
  if (site === 'same-origin') return 'ours'
  if (site === 'cross-site' || site === 'same-site') return 'foreign'
  const origin = headers.origin
  if (origin === undefined) return 'unknown'
  if (publicUrl && origin === new URL(publicUrl).origin) return 'ours'
  return URL.canParse(origin) && new URL(origin).host === headers.host ? 'ours' : 'foreign'
}

/**
 * Refuses what another site made a browser send. A cookie counts only from our own pages; where a request merely reads, also
 * from a browser that does not say where it comes from, as when somebody types the address.
 */
export function refuseCrossSite(
  headers: IncomingHttpHeaders,
  publicUrl: string | undefined,
  does: 'reads' | 'changes',
): void {
  const origin = originOf(headers, publicUrl)
  const byCookie = headers.authorization === undefined && sessionCookie in parseCookie(headers.cookie ?? '')
  if (origin === 'foreign' || (does === 'changes' && byCookie && origin !== 'ours')) throw crossSite()
}

function crossSite(): AppError {
  return new AppError('permission_denied', 'Calls from other sites are refused.', { reason: 'cross_site' })
}
