// Which requests come from our own pages: the one place that decides about cross-site calls and sockets.
import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '@ansflow/proto/errors'

export type Origin = 'ours' | 'foreign' | 'unknown'

/** `unknown`: no browser sent this, or a very old one. */
export function originOf(headers: IncomingHttpHeaders, publicUrl: string | undefined): Origin {
  const site = headers['sec-fetch-site']
  if (site === 'same-origin') return 'ours'
  if (site === 'cross-site' || site === 'same-site') return 'foreign'
  const origin = headers.origin
  if (origin === undefined) return 'unknown'
  if (publicUrl && origin === new URL(publicUrl).origin) return 'ours'
  return URL.canParse(origin) && new URL(origin).host === headers.host ? 'ours' : 'foreign'
}

export function crossSite(): AppError {
  return new AppError('permission_denied', 'Calls from other sites are refused.', { reason: 'cross_site' })
}
