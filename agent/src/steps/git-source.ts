// Owns which repository addresses and refs a checkout accepts, and what it needs to know about them. Pure.

export interface GitSource {
  url: string
  kind: 'http' | 'ssh' | 'file'
  /** Of http addresses: what git calls the place in its questions. */
  scheme: string
  host: string
}

/** Throws a sentence for an address that is not plainly one of https, http, ssh, user@host:path, file or an absolute path. */
export function parseGitUrl(url: string): GitSource {
  const refuse = (why: string): never => {
    throw new Error(`The repository address ${JSON.stringify(url)} is refused: ${why}.`)
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0020\u007f]/.test(url)) refuse('it has spaces or control characters')
  if (url === '' || url.startsWith('-')) refuse('it is empty or would be read as an option')
  if (/^[A-Za-z0-9+.-]+::/.test(url)) refuse('transport helpers are not allowed')
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    if (url.startsWith('/')) return { url, kind: 'file', scheme: 'file', host: '' }
    const scp = /^(?:[A-Za-z0-9._~+-]+@)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(?!\/\/)./.exec(url)
    const host = scp?.[1] ?? ''
    if (host === '' || host.startsWith('-') || url.includes('@-'))
      refuse('it is neither a URL, user@host:path, nor an absolute path')
    return { url, kind: 'ssh', scheme: 'ssh', host }
  }
  if (scheme === 'file') {
    if (!url.startsWith('file:///')) refuse('a file URL must have an absolute path')
    return { url, kind: 'file', scheme, host: '' }
  }
  if (scheme !== 'https' && scheme !== 'http' && scheme !== 'ssh') refuse('only https, http, ssh and file are allowed')
  const authority = url.slice(url.indexOf('://') + 3).split(/[/?#]/, 1)[0]!
  const at = authority.lastIndexOf('@')
  const user = at < 0 ? '' : authority.slice(0, at)
  const host = authority.slice(at + 1)
  if (user.includes(':')) refuse('it holds a password; put that into a secret')
  if (!/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d+)?$/.test(host) || host.startsWith('-') || user.startsWith('-'))
    refuse('its host is not usable')
  return { url, kind: scheme === 'ssh' ? 'ssh' : 'http', scheme: scheme!, host }
}

/** The rules of `git check-ref-format`, for what may stand in a command line. Throws a sentence. */
export function checkGitRef(ref: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const forbidden = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|\.$|\/$|^[-/.]|^@$/
  if (forbidden.test(ref))
    throw new Error(`The ref ${JSON.stringify(ref)} is refused: it cannot be a branch, tag or commit.`)
  return ref
}
