// Finds entries by what was typed: all of its words must occur in order of their letters; starts of words come first.

export function findMatches<T>(entries: readonly T[], query: string, text: (entry: T) => string): T[] {
  const wanted = query.trim().toLowerCase()
  if (wanted === '') return [...entries]
  return entries
    .map((entry, index) => ({ entry, index, score: score(text(entry).toLowerCase(), wanted) }))
    .filter((match) => match.score > 0)
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .map((match) => match.entry)
}

/** 0: no match; 1: the letters in order; 2: as one piece; 3: at the start of a word; 4: at the start. */
export function score(text: string, wanted: string): number {
  const at = text.indexOf(wanted)
  if (at === 0) return 4
  if (at > 0) return /[\s\-_/.]/.test(text[at - 1] ?? '') ? 3 : 2
  let from = 0
  for (const letter of wanted.replace(/\s+/g, '')) {
    from = text.indexOf(letter, from) + 1
    if (from === 0) return 0
  }
  return 1
}
