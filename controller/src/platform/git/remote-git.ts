// Runs git against a server: pinned to the addresses that were checked, with credentials that are in no argument, no address and no
// setting, and what it complains of told as a fault.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HelperError, type Remote } from './helper-messages.ts'
import { type GitEnd, type GitRun, gitSettings, ownSettings, runGit } from './run-git.ts'

/** Answers git's questions for the one server that the credentials are for: the user first, then the password. */
export const askpassScript = `#!/bin/sh
case $1 in
  "Username for '$AF_SCHEME://$AF_HOST': " | "Password for '$AF_SCHEME://"*"@$AF_HOST': ")
    IFS= read -r line <&3 && printf '%s\\n' "$line" ;;
  *) exit 1 ;;
esac
`

export interface RemoteRun extends Pick<GitRun, 'cwd' | 'args' | 'input' | 'onOutput' | 'onHeard' | 'mostMs'> {
  remote: Remote
  signal: AbortSignal
  /** Something is written at the server. */
  isPush?: boolean
  /** Of git that asks nobody. */
  env: Record<string, string>
  /** Where askpass is, and files of keys for as long as git runs. */
  folder: string
}

/** Rejects unless git succeeds, or was told that it is enough. */
export async function runRemoteGit(run: RemoteRun): Promise<GitEnd> {
  const { remote } = run
  if (remote.scheme !== 'ssh') return checked(run, await runGit({ ...run, ...httpRun(run) }))
  let end: GitEnd | undefined
  // curl tries all addresses by itself, ssh would look them up again.
  for (const address of remote.addresses) {
    end = await overSsh(run, address)
    if (end.code === 0 || !/connect to host .* port \d+: /.test(end.complaint)) break
  }
  return checked(run, end!)
}

const promisor = [
  ['remote.origin.promisor', 'true'],
  ['remote.origin.partialclonefilter', 'blob:none'],
  ['fetch.unpackLimit', '1'],
  ['fetch.recurseSubmodules', 'false'],
] as const

/** Also for what asks nobody but must know that objects are left out. */
export const promisorSettings = [...ownSettings, ...promisor]

function httpRun({ remote, env, folder }: RemoteRun): Pick<GitRun, 'env' | 'answers'> {
  const { credentials, scheme, host, port } = remote
  const isLiteral = /^[\d.]+$|:/.test(host)
  const addresses = remote.addresses.map((address) => (address.includes(':') ? `[${address}]` : address))
  const settings = gitSettings([
    ...promisorSettings,
    ['remote.origin.url', remote.url],
    ['http.followRedirects', 'false'],
    ['http.proxy', ''],
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', '60'],
    ['http.userAgent', 'git/ansflow'],
    ...(isLiteral ? [] : [['http.curloptResolve', `${host}:${port}:${addresses.join(',')}`] as const]),
  ])
  const network = { ...env, ...settings, GIT_ALLOW_PROTOCOL: scheme, no_proxy: '*' }
  if (credentials.kind === 'none') return { env: network }
  if (credentials.kind === 'ssh') throw new HelperError('refused', 'An ssh key needs an address of ssh.')
  const { username, password } = credentials
  if (/[\r\n\0]/.test(username + password)) {
    throw new HelperError('refused', 'A user name or password cannot hold a line break.')
  }
  return {
    env: { ...network, GIT_ASKPASS: join(folder, 'askpass'), AF_SCHEME: scheme, AF_HOST: new URL(remote.url).host },
    answers: `${username || remote.user || 'git'}\n${password}\n`,
  }
}

async function overSsh(run: RemoteRun, address: string): Promise<GitEnd> {
  const { remote, env, folder } = run
  const { credentials, host, port } = remote
  if (credentials.kind !== 'ssh') throw new HelperError('refused', 'An address of ssh needs an ssh key.')
  const files = await mkdtemp(join(folder, 'secrets-'))
  try {
    const key = join(files, 'key')
    const known = join(files, 'known_hosts')
    await writeFile(key, `${credentials.sshKey.replaceAll('\r\n', '\n').trimEnd()}\n`, { mode: 0o600 })
    await writeFile(known, `${credentials.knownHosts.trimEnd()}\n`, { mode: 0o600 })
    const options = [
      ['IdentityFile', quoted(key)],
      ['UserKnownHostsFile', quoted(known)],
      ['GlobalKnownHostsFile', '/dev/null'],
      ['HostName', address],
      // Keys are known under the name and port that people know.
      ['HostKeyAlias', port === 22 ? host : `[${host}]:${port}`],
      ['CheckHostIP', 'no'],
      ['StrictHostKeyChecking', 'yes'],
      ['IdentitiesOnly', 'yes'],
      ['IdentityAgent', 'none'],
      ['BatchMode', 'yes'],
      ['PreferredAuthentications', 'publickey'],
      ['ClearAllForwardings', 'yes'],
      ['PermitLocalCommand', 'no'],
      ['ProxyCommand', 'none'],
      ['ConnectTimeout', '20'],
      ['ServerAliveInterval', '15'],
      ['ServerAliveCountMax', '4'],
    ]
    const command = ['ssh', '-F', '/dev/null', ...options.flatMap(([name, value]) => ['-o', `${name}=${value}`])]
    return await runGit({
      ...run,
      env: {
        ...env,
        ...gitSettings([...promisorSettings, ['remote.origin.url', remote.url]]),
        GIT_ALLOW_PROTOCOL: 'ssh',
        GIT_SSH_VARIANT: 'ssh',
        GIT_SSH_COMMAND: command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' '),
      },
    })
  } finally {
    await rm(files, { recursive: true, force: true })
  }
}

/** Within an option, ssh splits at blanks unless the value is in double quotes. */
function quoted(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`
}

function checked({ remote, mostMs, isPush = false }: RemoteRun, end: GitEnd): GitEnd {
  if (end.why === 'aborted') throw new HelperError('aborted', 'It is not wanted any more.')
  if (end.why === 'time') {
    throw new HelperError(
      'too_large',
      `${remote.host} did not ${isPush ? 'take' : 'give'} the repository within ${Math.round(mostMs / 1000)} seconds.`,
    )
  }
  if (end.why === 'enough' || end.code === 0) return end
  throw faultOf(end, remote, isPush)
}

type Kind = readonly [
  pattern: RegExp,
  fault: HelperError['fault'],
  sentence: (remote: Remote, isPush: boolean) => string,
]

const kinds: Kind[] = [
  [/No space left on device|Disk quota exceeded/, 'failed', () => 'The disk of the controller is full.'],
  [
    /returned error: 30\d|redirect/,
    'refused',
    ({ host }) => `${host} says that the repository is at another address. Give that one.`,
  ],
  [
    /Host key verification failed|No \S+ host key is known|REMOTE HOST IDENTIFICATION HAS CHANGED/,
    'refused',
    ({ host }) => `The key of the server ${host} is not among those that are known.`,
  ],
  [/couldn't find remote ref|not our ref/, 'missing', ({ host }) => `${host} has no such ref in this repository.`],
  [
    /Authentication failed|could not read (Username|Password)|returned error: 40[13]|Permission denied|invalid format|error in libcrypto/,
    'denied',
    ({ host, credentials }, isPush) => {
      const what = isPush ? 'push to' : 'read'
      return credentials.kind === 'none'
        ? `${host} asks for a user and password to ${what} this repository.`
        : `${host} does not let these credentials ${what} this repository.`
    },
  ],
  [
    /not found|returned error: 404|returned error: 410|does not (appear to be a git repository|exist)|could not be found|not a git repository/i,
    'missing',
    ({ host }) => `There is no such repository at ${host}, or the credentials may not know of it.`,
  ],
  [/certificate|SSL|TLS/i, 'unreachable', ({ host }) => `The certificate of ${host} is not one that this host trusts.`],
  [
    /unable to access|Could not resolve|connect|timed out|too slow|hung up|early EOF|RPC failed|unexpected disconnect|protocol error|invalid server response|bad line length|returned error: 5\d\d|Could not read from remote/i,
    'unreachable',
    ({ host }) => `${host} could not be reached, or does not answer as a git server.`,
  ],
]

function faultOf({ complaint, output }: GitEnd, remote: Remote, isPush: boolean): HelperError {
  const [, , rejection] = /^!\t(\S*)\t(.*)$/m.exec(output) ?? []
  const isHeard = isPush && rejection !== undefined
  const found = isHeard ? rejectionOf(rejection) : kinds.find(([pattern]) => pattern.test(complaint))
  const said = saidBy(complaint, remote, isHeard ? /^remote: / : saying)
  const tail = said ? ` git says: ${said}` : ''
  if (!found) {
    const what = isPush ? 'pushed to' : 'fetched'
    // A push says nothing against the copy.
    return new HelperError(isPush ? 'unreachable' : 'failed', `The repository could not be ${what}.${tail}`)
  }
  return new HelperError(found[1], found[2](remote, isPush) + tail)
}

/** What a server says of one branch, after it has let us in. */
function rejectionOf(why: string): Kind {
  const moved: Kind[2] = ({ host }) => `Somebody else has pushed to this branch at ${host}.`
  if (/stale info|fetch first|non-fast-forward|cannot lock ref|already exists|failed to update ref/i.test(why)) {
    return [/^/, 'moved', moved]
  }
  return [/^/, 'protected', ({ host }) => `${host} refuses this push to the branch.`]
}

/** The line of git's that says most, without what was secret. */
const saying = /^(fatal|error|ERROR|remote: (error|fatal)|ssh): ?|denied|verification/i

function saidBy(complaint: string, remote: Remote, pattern: RegExp): string {
  const lines = complaint
    .split(/[\r\n]+/)
    .filter((line) => pattern.test(line) && /[\p{L}\p{N}]/u.test(line.replace(/^remote:/, '')))
  let said = lines[0]?.replace(/^remote: +/, '') ?? ''
  for (const secret of secretsOf(remote)) said = said.replaceAll(secret, '***')
  return said
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, 300)
}

function secretsOf({ credentials }: Remote): string[] {
  if (credentials.kind !== 'password') return []
  const { username, password } = credentials
  const pair = Buffer.from(`${username}:${password}`).toString('base64')
  return [pair, password, encodeURIComponent(password), Buffer.from(password).toString('base64')].filter(Boolean)
}
