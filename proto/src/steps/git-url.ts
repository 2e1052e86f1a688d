// Which repository addresses and refs git may be given: an allow-list, because git's own syntax can start programs.
import { type Said, say } from '../texts/say.ts'

const network = /^(https?|ssh):\/\/(?:([^@/?#]*)@)?(\[[0-9a-fA-F:.]+\]|[^:/?#@[\]]+)(?::(\d{1,5}))?(?:\/|$)/
const scp = /^([A-Za-z0-9_][A-Za-z0-9._-]*)@(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):(.+)$/

/** What is wrong with a repository address; undefined when nothing is. */
export function gitUrlProblem(url: string): Said | undefined {
  if (url === '') return say('git_url_empty')
  if (url.length > 2048) return say('git_long')
  if (/^[A-Za-z0-9+.-]+::/.test(url)) return say('git_helper')
  if (hasControlOrSpace(url)) return say('git_spaces')
  if (url.startsWith('-')) return say('git_option')
  const parts = network.exec(url)
  if (parts !== null) return networkProblem(parts)
  if (url.startsWith('file:///') || (url.startsWith('/') && !url.startsWith('//'))) return undefined
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(url)?.[1]
  if (scheme === 'file') return say('git_file')
  if (scheme !== undefined && ['http', 'https', 'ssh'].includes(scheme)) return say('git_host')
  if (scheme !== undefined) return say('git_scheme', { scheme })
  const remote = scp.exec(url)
  if (remote !== null) return remote[3]!.startsWith('-') ? say('git_path_option') : undefined
  return say('git_address')
}

function networkProblem([, scheme, user = '', host = '', port]: RegExpExecArray): Said | undefined {
  if (host.startsWith('-') || user.startsWith('-')) return say('git_host_option')
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) return say('git_port', { port })
  if (!user.includes(':')) return undefined
  return scheme === 'ssh' ? say('git_password_ssh') : say('git_password')
}

/** What is wrong with a branch, tag, commit or full ref; undefined when nothing is. Empty is the remote's default. */
export function gitRefProblem(ref: string): Said | undefined {
  if (ref === '') return undefined
  if (ref.length > 255) return say('git_ref_long')
  if (ref.startsWith('-')) return say('git_ref_option')
  if (hasControlOrSpace(ref) || /[~^:?*[\\]/.test(ref) || ref.includes('..') || ref.includes('@{')) {
    return say('git_ref_characters', { signs: '~ ^ : ? * [ \\' })
  }
  if (/^[/.]|[/.]$|\/\/|\/\.|\.lock(\/|$)/.test(ref)) return say('git_ref_name')
  return undefined
}

function hasControlOrSpace(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    if (unit <= 0x20 || unit === 0x7f) return true
  }
  return false
}
