// What a request says of a connection, checked.
import { invalidField } from '@ansflow/proto/errors'
import { CredentialKind, ForgeKind, type ForgeCredentials as Given } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { ForgeCredentials } from './forge.ts'

const usual: Partial<Record<ForgeKind, string>> = {
  [ForgeKind.GITHUB]: 'https://github.com',
  [ForgeKind.GITLAB]: 'https://gitlab.com',
  [ForgeKind.BITBUCKET]: 'https://bitbucket.org',
  [ForgeKind.GITEE]: 'https://gitee.com',
}
const longestSecret = 32_768

export function readKind(kind: ForgeKind): ForgeKind {
  if (kind === ForgeKind.UNSPECIFIED) throw invalidField('kind', 'must be one of the kinds of forges')
  return kind
}

/** Without a slash at its end. Empty: the kind's own. */
export function readForgeUrl(kind: ForgeKind, text: string): string {
  const given = text.trim() || usual[kind]
  if (given === undefined) {
    throw invalidField('url', 'must be given: this kind of forge has no address of its own', 'connection_url')
  }
  const url = URL.parse(given)
  const schemes = kind === ForgeKind.GIT ? ['https:', 'http:', 'ssh:'] : ['https:', 'http:']
  const isRight = url !== null && schemes.includes(url.protocol) && url.hostname !== '' && given.length <= 1024
  if (!isRight || /[\s\p{Cc}]/u.test(given)) {
    throw invalidField('url', `must be an address such as ${schemes[0]}//git.example.org`, 'connection_url')
  }
  const mayName = url.protocol === 'ssh:'
  if (url.password || (url.username && !mayName)) {
    throw invalidField(
      'url',
      'must not hold a user or password: credentials have fields of their own',
      'connection_url',
    )
  }
  if (url.search || url.hash) throw invalidField('url', 'must not have a ? or # part', 'connection_url')
  return url.href.replace(/\/+$/, '')
}

export function readCredentials(kind: ForgeKind, given: Given | undefined): ForgeCredentials {
  const said = given?.kind
  const refuse = (field: string, message: string) =>
    invalidField(`credentials.${field}`, message, 'connection_credentials')
  switch (said?.case) {
    case undefined:
      return { kind: 'none' }
    case 'token': {
      const { user, token } = said.value
      if (!isWord(token)) throw refuse('token.token', 'must be given, on one line without blanks')
      if (user !== '' && !isWord(user)) throw refuse('token.user', 'must be one word')
      return { kind: 'token', user, token }
    }
    case 'app': {
      if (kind !== ForgeKind.GITHUB) throw refuse('app', 'only GitHub has apps')
      const { appId, installationId, privateKey } = said.value
      if (!/^\d{1,20}$/.test(appId)) throw refuse('app.app_id', 'must be a number')
      if (!/^\d{1,20}$/.test(installationId)) throw refuse('app.installation_id', 'must be a number')
      return { kind: 'app', appId, installationId, privateKey: pem('app.private_key', privateKey) }
    }
    case 'sshKey': {
      if (kind !== ForgeKind.GIT) throw refuse('ssh_key', 'only plain git servers take a key')
      const { privateKey, knownHosts } = said.value
      if (!areKnownHosts(knownHosts) || knownHosts.length > longestSecret) {
        throw refuse('ssh_key.known_hosts', 'must have the server’s keys, as `ssh-keyscan` prints them')
      }
      return { kind: 'sshKey', privateKey: pem('ssh_key.private_key', privateKey), knownHosts }
    }
  }

  function pem(field: string, text: string): string {
    const isPem = /^\s*-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]+-----END [A-Z0-9 ]*PRIVATE KEY-----\s*$/.test(text)
    if (!isPem || text.length > longestSecret)
      throw refuse(field, 'must be a private key, from its BEGIN to its END line')
    return `${text.trim()}\n`
  }
}

/** `given`: undefined leaves what there was before; empty takes it away. Only apps have one. */
export function withHookSecret(
  credentials: ForgeCredentials,
  given: string | undefined,
  before: ForgeCredentials,
): ForgeCredentials {
  if (credentials.kind !== 'app') {
    if (given) throw invalidField('hook_secret', 'only an app has a webhook of its own', 'connection_hook_secret')
    return credentials
  }
  const { hookSecret: _, ...rest } = credentials
  const hookSecret = given ?? (before.kind === 'app' ? before.hookSecret : undefined) ?? ''
  if (hookSecret === '') return rest
  if (!/^[\x21-\x7e]{16,255}$/.test(hookSecret)) {
    throw invalidField('hook_secret', 'must be 16 to 255 ASCII characters without blanks', 'connection_hook_secret')
  }
  return { ...rest, hookSecret }
}

export function hasHookSecret(credentials: ForgeCredentials): boolean {
  return credentials.kind === 'app' && credentials.hookSecret !== undefined
}

function isWord(text: string): boolean {
  return text !== '' && text.length <= 4096 && !/[\s\p{Cc}]/u.test(text)
}

export function kindOfCredentials({ kind }: ForgeCredentials): CredentialKind {
  const kinds = {
    none: CredentialKind.NONE,
    token: CredentialKind.TOKEN,
    app: CredentialKind.APP,
    sshKey: CredentialKind.SSH_KEY,
  }
  return kinds[kind]
}

/** Lines as `ssh-keyscan` prints them: hosts, the kind of the key, and the key. Without one no server would be trusted. */
function areKnownHosts(text: string): boolean {
  const lines = text.split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return (
    keys.length > 0 &&
    keys.every((line) => /^(?:@[a-z-]+\s+)?\S+\s+[\w.@-]+\s+[A-Za-z0-9+/]{16,}=*(?:\s.*)?$/.test(line))
  )
}
