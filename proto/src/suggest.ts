// "Did you mean": the nearest of some known words.

/** Words of other systems that mean the same. */
const synonyms: readonly (readonly string[])[] = [
  ['success', 'succeeded', 'successful', 'passed', 'ok', 'on_success'],
  ['failure', 'failed', 'error', 'errored', 'on_failure'],
  ['canceled', 'cancelled', 'aborted', 'stopped'],
  ['always', 'any', 'all', 'completed', 'finished'],
  ['lost', 'agent_lost', 'runner_system_failure'],
  ['timeout', 'timed_out', 'timedOut'],
  ['boolean', 'bool'],
  ['number', 'int', 'integer', 'float'],
  ['string', 'text', 'str'],
  ['choice', 'enum', 'select', 'options'],
]

/** The known word that means the same, or is a typing slip away from `word`; undefined when none is. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase()
  const same = synonyms.find((group) => group.includes(wanted))
  if (same) {
    const all = [...known]
    const meant = all.includes(word) ? word : same.find((each) => all.includes(each))
    if (meant !== undefined) return meant
  }
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** What a sentence says of what may have been meant: one word, or what there is when that is short, or nothing. */
export interface Hint {
  near?: string
  only?: string
  known?: string
}

export function suggestion(word: string, known: readonly string[]): Hint {
  const near = nearest(word, known)
  if (near !== undefined) return { near }
  if (known.length === 1) return { only: known[0]! }
  return known.length > 0 && known.length <= 8 ? { known: known.join(', ') } : {}
}

/** As many as are worth their time: a thousand mistakes among a thousand names would take minutes. */
export class Hints {
  private left = 10

  near(word: string, known: readonly string[]): string | undefined {
    return known.length <= 1000 && this.left-- > 0 ? nearest(word, known) : undefined
  }

  suggestion(word: string, known: readonly string[]): Hint {
    return known.length <= 1000 && this.left-- > 0 ? suggestion(word, known) : {}
  }
}

/** Optimal string alignment (swapped neighbours count once), given up at `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit || a.length > 200) return limit
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    before = last
    last = row
  }
  return last[b.length] ?? limit
}
