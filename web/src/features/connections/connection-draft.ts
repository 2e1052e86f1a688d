// A connection as a form holds it, and what is sent of it.
import {
  type Connection,
  CredentialKind,
  type ForgeCredentials,
  ForgeCredentialsSchema,
  ForgeKind,
} from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { create } from '@bufbuild/protobuf'
import { kindOfForge } from './forge-kinds.ts'

export interface ConnectionDraft {
  kind: ForgeKind
  name: string
  /** Empty: the kind's own. */
  url: string
  forOrganization: boolean
  credentialKind: CredentialKind
  user: string
  token: string
  appId: string
  installationId: string
  privateKey: string
  knownHosts: string
}

const noSecrets = { user: '', token: '', appId: '', installationId: '', privateKey: '', knownHosts: '' }

export function newDraft(kind: ForgeKind = ForgeKind.GITHUB): ConnectionDraft {
  const credentialKind = kindOfForge(kind).credentials[0]!
  return { kind, name: '', url: '', forOrganization: false, credentialKind, ...noSecrets }
}

/** Credentials go in and never come out: they begin empty. */
export function draftOf({ kind, name, url, projectId, credentialKind }: Connection): ConnectionDraft {
  return { kind, name, url, forOrganization: projectId === '', credentialKind, ...noSecrets }
}

/** Another kind keeps what was typed where it still fits, and begins as it is usual else. */
export function withKind(draft: ConnectionDraft, kind: ForgeKind): ConnectionDraft {
  const { credentials } = kindOfForge(kind)
  const isTyped = [draft.token, draft.privateKey].some((text) => text !== '')
  const fits = isTyped && credentials.includes(draft.credentialKind)
  return { ...draft, kind, credentialKind: fits ? draft.credentialKind : credentials[0]!, url: '' }
}

/** Undefined: none. */
export function credentialsOf(draft: ConnectionDraft): ForgeCredentials | undefined {
  const { user, token, appId, installationId, privateKey, knownHosts } = draft
  switch (draft.credentialKind) {
    case CredentialKind.TOKEN:
      return create(ForgeCredentialsSchema, {
        kind: { case: 'token', value: { user: user.trim(), token: token.trim() } },
      })
    case CredentialKind.APP:
      return create(ForgeCredentialsSchema, {
        kind: { case: 'app', value: { appId: appId.trim(), installationId: installationId.trim(), privateKey } },
      })
    case CredentialKind.SSH_KEY:
      return create(ForgeCredentialsSchema, { kind: { case: 'sshKey', value: { privateKey, knownHosts } } })
    default:
      return undefined
  }
}

/** What a new one is called where nobody says otherwise: where it leads. */
export function nameOf(draft: ConnectionDraft): string {
  const typed = draft.name.trim()
  if (typed !== '') return typed
  const address = draft.url.trim() || kindOfForge(draft.kind).url
  return URL.parse(address)?.hostname ?? ''
}

/** Everything without which the server would only refuse it. */
export function isWhole(draft: ConnectionDraft): boolean {
  const hasAddress = draft.url.trim() !== '' || kindOfForge(draft.kind).url !== ''
  const { token, appId, installationId, privateKey, knownHosts } = draft
  const wanted: Partial<Record<CredentialKind, string[]>> = {
    [CredentialKind.TOKEN]: [token],
    [CredentialKind.APP]: [appId, installationId, privateKey],
    [CredentialKind.SSH_KEY]: [privateKey, knownHosts],
  }
  return hasAddress && (wanted[draft.credentialKind] ?? []).every((text) => text.trim() !== '')
}

/** Fields of a form that errors are shown at. */
export const fieldsOfConnection = [
  'name',
  'url',
  'credentials',
  'credentials.token.user',
  'credentials.token.token',
  'credentials.app.app_id',
  'credentials.app.installation_id',
  'credentials.app.private_key',
  'credentials.app',
  'credentials.ssh_key',
  'credentials.ssh_key.private_key',
  'credentials.ssh_key.known_hosts',
] as const
