// The kinds of forges as people choose among them: their word in texts, their usual address, and how they let somebody in.
import { CredentialKind, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'

export interface KindOfForge {
  kind: ForgeKind
  /** Its name in texts: `connections.kinds.<word>`. */
  word: string
  /** Its own address; empty: it has none, one has to be given. */
  url: string
  credentials: readonly CredentialKind[]
  /** A token goes with the name of a user. */
  wantsUser: boolean
}

const { NONE, TOKEN, APP, SSH_KEY } = CredentialKind

export const kindsOfForges: readonly KindOfForge[] = [
  {
    kind: ForgeKind.GITHUB,
    word: 'github',
    url: 'https://github.com',
    credentials: [TOKEN, APP, NONE],
    wantsUser: false,
  },
  { kind: ForgeKind.GITLAB, word: 'gitlab', url: 'https://gitlab.com', credentials: [TOKEN, NONE], wantsUser: false },
  { kind: ForgeKind.GITEA, word: 'gitea', url: '', credentials: [TOKEN, NONE], wantsUser: false },
  {
    kind: ForgeKind.BITBUCKET,
    word: 'bitbucket',
    url: 'https://bitbucket.org',
    credentials: [TOKEN, NONE],
    wantsUser: true,
  },
  { kind: ForgeKind.GITEE, word: 'gitee', url: 'https://gitee.com', credentials: [TOKEN, NONE], wantsUser: false },
  { kind: ForgeKind.GIT, word: 'git', url: '', credentials: [NONE, TOKEN, SSH_KEY], wantsUser: true },
]

/** A kind that is newer than this console is taken for any git server. */
export function kindOfForge(kind: ForgeKind): KindOfForge {
  return kindsOfForges.find((one) => one.kind === kind) ?? kindsOfForges.at(-1)!
}

const credentialWords: Record<CredentialKind, string> = {
  [CredentialKind.UNSPECIFIED]: 'none',
  [NONE]: 'none',
  [TOKEN]: 'token',
  [APP]: 'app',
  [SSH_KEY]: 'sshKey',
}

/** Its name in texts: `connections.credentials.<word>`. */
export function credentialWord(kind: CredentialKind): string {
  return credentialWords[kind] ?? 'none'
}
