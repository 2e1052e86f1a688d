// Which repository addresses and refs git may be given: an allow-list, because git's own syntax can start programs.

const network = /^(https?|ssh):\/\/(?:([^@/?#]*)@)?(\[[0-9a-fA-F:.]+\]|[^:/?#@[\]]+)(?::(\d{1,5}))?(?:\/|$)/
const scp = /^([A-Za-z0-9_][A-Za-z0-9._-]*)@(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):(.+)$/

/** What is wrong with a repository address, as a sentence; undefined when nothing is. */
export function gitUrlProblem(url: string): string | undefined {
  if (url === '') return 'The repository address is empty.'
  if (url.length > 2048) return 'The repository address is longer than 2048 characters.'
  if (/^[A-Za-z0-9+.-]+::/.test(url)) {
    return 'Addresses of the form "helper::…" start programs and are refused. Use https, ssh, file or an absolute path.'
  }
  if (hasControlOrSpace(url)) return 'The repository address must not hold spaces or control characters.'
  if (url.startsWith('-')) return 'The repository address must not begin with "-": git would read it as an option.'
  const parts = network.exec(url)
  if (parts !== null) return networkProblem(parts)
  if (url.startsWith('file:///') || (url.startsWith('/') && !url.startsWith('//'))) return undefined
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(url)?.[1]
  if (scheme === 'file') return 'A file address needs an absolute path: file:///srv/git/app.git.'
  if (scheme !== undefined && ['http', 'https', 'ssh'].includes(scheme)) return 'The repository address names no host.'
  if (scheme !== undefined) {
    return `The scheme ${JSON.stringify(scheme)} is not supported. Use https, http, ssh or file, in small letters.`
  }
  const remote = scp.exec(url)
  if (remote !== null) {
    return remote[3]!.startsWith('-') ? 'The path of the repository must not begin with "-".' : undefined
  }
  return 'This is no repository address. Write https://host/path, ssh://git@host/path, git@host:path or an absolute path.'
}

function networkProblem([, scheme, user = '', host = '', port]: RegExpExecArray): string | undefined {
  if (host.startsWith('-') || user.startsWith('-')) return 'Host and user of the address must not begin with "-".'
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) return `There is no port ${port}.`
  if (user.includes(':')) {
    return scheme === 'ssh'
      ? 'Leave the password out of the address; ssh uses the key named by sshKeySecret.'
      : 'Leave the password out of the address: everyone who reads the pipeline would see it. Store it as a secret and name it in passwordSecret.'
  }
  return undefined
}

/** What is wrong with a branch, tag, commit or full ref; undefined when nothing is. Empty is the remote's default. */
export function gitRefProblem(ref: string): string | undefined {
  if (ref === '') return undefined
  if (ref.length > 255) return 'The ref is longer than 255 characters.'
  if (ref.startsWith('-')) return 'A ref must not begin with "-": git would read it as an option.'
  if (hasControlOrSpace(ref) || /[~^:?*[\\]/.test(ref) || ref.includes('..') || ref.includes('@{')) {
    return 'A ref must not hold spaces, control characters, "..", "@{" or any of ~ ^ : ? * [ \\.'
  }
  if (/^[/.]|[/.]$|\/\/|\/\.|\.lock(\/|$)/.test(ref)) return 'Git does not allow this name for a branch or tag.'
  return undefined
}

function hasControlOrSpace(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    if (unit <= 0x20 || unit === 0x7f) return true
  }
  return false
}
