// A person's letters and colour. The colour follows from the id, so it is the same on every page and for everybody.

export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean)
  const first = words[0]
  if (!first) return '?'
  if (/\p{Script=Han}/u.test(first)) return [...first][0] ?? '?'
  const letters = words.length > 1 ? [first, words.at(-1) ?? ''] : [first]
  return letters.map((word) => ([...word][0] ?? '').toUpperCase()).join('')
}

/** 0 to 9, for --who-<n>. */
export function whoIndex(userId: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < userId.length; i++) hash = Math.imul(hash ^ userId.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % 10
}
