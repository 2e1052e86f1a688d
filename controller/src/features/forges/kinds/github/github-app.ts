// What an app of GitHub is let in with: a statement that its key signs, and for that a token for one repository and an hour.
import { createHash, sign } from 'node:crypto'
import type { JsonObject } from '@bufbuild/protobuf'
import { type AppKey, bearer } from '../../access.ts'
import { ForgeError } from '../../forge.ts'
import { type ForgeHttp, readAnswer } from '../../forge-http.ts'
import type { Part } from '../../payload.ts'

export interface AppToken {
  token: string
  expiresAt: Date
}

/** Tokens are made anew so long before they end: what is begun with one is not cut off. */
const spareMs = 10 * 60_000
const mostKept = 1000

/** By a hash of everything that they are for; short enough to be gone through. */
const kept = new Map<string, AppToken>()

/** At most ten minutes; begins a minute ago, for clocks that are behind. */
export function appStatement({ appId, key }: AppKey, now: number): string {
  const at = Math.floor(now / 1000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iat: at - 60, exp: at + 540, iss: appId })}`
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`
}

/** `repository`: "acme/shop"; empty: for all that it is installed in. `permissions`: empty: all that it has. */
export async function installationToken(
  { http, address, app }: { http: ForgeHttp; address: string; app: AppKey },
  repository: string,
  permissions: Record<string, string>,
  signal: AbortSignal,
): Promise<AppToken> {
  const { appId, installationId, key } = app
  const pem = key.export({ type: 'pkcs8', format: 'der' })
  const name = [address, appId, installationId, repository, JSON.stringify(permissions)].join('\n')
  const id = createHash('sha256').update(pem).update(name).digest('hex')
  const now = Date.now()
  const known = kept.get(id)
  if (known && known.expiresAt.getTime() - spareMs > now) return known
  const body: JsonObject = {
    ...(repository !== '' && { repositories: [repository.split('/').at(-1)!] }),
    ...(Object.keys(permissions).length > 0 && { permissions }),
  }
  const statement = appStatement(app, now)
  const path = `/app/installations/${installationId}/access_tokens`
  const headers = [bearer(statement)]
  const answer = await http.ask({ method: 'POST', path, headers, body, secrets: [statement] }, signal)
  const made = readAnswer('GitHub', () => ({
    token: answer.body.at('token').text(),
    expiresAt: dateOf(answer.body.at('expires_at')),
  }))
  if (!/^[\x21-\x7e]{1,4096}$/.test(made.token)) throw new ForgeError('unreachable', 'GitHub answered with no token.')
  for (const [each, { expiresAt }] of kept) if (expiresAt.getTime() <= now || kept.size >= mostKept) kept.delete(each)
  kept.set(id, made)
  return made
}

/** It was refused: what it may do can have changed since it was made. */
export function forgetToken(token: string): void {
  for (const [id, each] of kept) if (each.token === token) kept.delete(id)
}

export function dateOf(part: Part): Date {
  const at = new Date(part.text())
  if (Number.isNaN(at.getTime())) throw part.wrong()
  return at
}
