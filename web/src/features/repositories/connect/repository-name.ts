// The name of a repository from what somebody typed or pasted: a name, or an address that begins with the connection's.

export function repositoryName(typed: string, connectionUrl: string): string {
  const text = typed.trim().replace(/\.git$/, '')
  const common = connectionUrl.replace(/\/+$/, '')
  const rest = text.startsWith(`${common}/`) ? text.slice(common.length) : text
  return rest.replace(/^\/+|\/+$/g, '')
}
