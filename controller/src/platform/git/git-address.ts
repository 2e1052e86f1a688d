// Where a repository is, in the one notation that git and the rules of outbound.ts understand alike.
import { gitUrlProblem } from '@ansflow/proto/steps/git-url'
import { saidText } from '@ansflow/proto/texts/said-text'
import { GitError } from './git.ts'

export interface GitAddress {
  /** As git is given it; names nobody's user over http. */
  url: string
  scheme: 'https' | 'http' | 'ssh'
  /** Small, without brackets or a dot at the end. */
  host: string
  port: number
  /** Of the url; empty: none. */
  user: string
}

const ssh =
  /^ssh:\/\/(?:([A-Za-z0-9_][A-Za-z0-9._+-]*)@)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*)(?::(\d+))?\/(?!-)./
const scp = /^([A-Za-z0-9_][A-Za-z0-9._-]*)@(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):(?!-)./

/** Throws `refused` for what is no address of a host. */
export function gitAddress(url: string): GitAddress {
  const problem = gitUrlProblem(url)
  if (problem) throw new GitError('refused', saidText(problem))
  if (/^https?:/.test(url)) return httpAddress(url)
  const full = ssh.exec(url)
  const found = full ?? scp.exec(url)
  if (!found)
    throw new GitError(
      'refused',
      'This is no address of the form https://host/path, ssh://host/path or user@host:path.',
    )
  return { url, scheme: 'ssh', host: bareHost(found[2]!), port: Number((full && found[3]) || 22), user: found[1] ?? '' }
}

function httpAddress(text: string): GitAddress {
  const url = URL.parse(text)
  if (!url?.hostname) throw new GitError('refused', 'This is no address of the form https://host/path.')
  const user = decodeURIComponent(url.username)
  url.username = ''
  url.password = ''
  url.hash = ''
  url.hostname = url.hostname.replace(/\.$/, '')
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  return {
    url: url.href,
    scheme,
    host: bareHost(url.hostname),
    port: Number(url.port || (scheme === 'https' ? 443 : 80)),
    user,
  }
}

function bareHost(host: string): string {
  return host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
}
