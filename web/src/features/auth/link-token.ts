// The secret of a one-time link. It stands after the #, so that it reaches neither server logs nor referrers.

/** From "#abc" or "#token=abc". */
export function tokenOfHash(hash: string): string {
  const text = hash.replace(/^#/, '')
  return new URLSearchParams(text).get('token') ?? text
}
