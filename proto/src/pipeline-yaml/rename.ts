// Which entries of a map were renamed: a step that got another id keeps its place, its comments and its way of writing.
import { isMapTree, sameTree, type Tree, type TreeMap } from './tree-value.ts'

/**
 * Old key → new key. An entry is the same under another key when its content is, or else what is most like it: at the
 * same place anything in common is enough; elsewhere it must be what no other entry said, or as much together.
 */
export function renames(before: TreeMap, after: TreeMap): Map<string, string> {
  const renamed = new Map<string, string>()
  const gone = newIn(before, after)
  const come = newIn(after, before)
  // Many at once is a new file, not a renaming.
  if (gone.length === 0 || come.length === 0 || gone.length * come.length > 10_000) return renamed
  const holders = holdersIn(before, gone)
  const pairs: { from: Entry; to: Entry; likeness: number }[] = []
  for (const from of gone) {
    for (const to of come) {
      const likeness = sameTree(from.value, to.value) ? Number.POSITIVE_INFINITY : shared(from, to, holders)
      if (likeness >= 1 || (likeness > 0 && from.index === to.index)) pairs.push({ from, to, likeness })
    }
  }
  const moved = ({ from, to }: { from: Entry; to: Entry }) => Number(from.index !== to.index)
  // Stable: among equals the first ones match.
  pairs.sort((a, b) => compare(b.likeness, a.likeness) || moved(a) - moved(b))
  const taken = new Set<string>()
  for (const { from, to } of pairs) {
    if (renamed.has(from.key) || taken.has(to.key)) continue
    taken.add(to.key)
    renamed.set(from.key, to.key)
  }
  return renamed
}

interface Entry {
  key: string
  value: TreeMap
  index: number
}

function newIn(map: TreeMap, other: TreeMap): Entry[] {
  const entries: Entry[] = []
  let index = 0
  for (const [key, value] of map) {
    if (!other.has(key) && isMapTree(value)) entries.push({ key, value, index })
    index++
  }
  return entries
}

type Holders = ReadonlyMap<Entry, ReadonlyMap<string, number>>

/** For each line an entry says: how many entries of the map say it too. */
function holdersIn(map: TreeMap, entries: readonly Entry[]): Holders {
  const all = [...map.values()].filter(isMapTree)
  return new Map(
    entries.map((entry) => [
      entry,
      new Map(
        [...entry.value]
          .filter(([, value]) => telling(value))
          .map(([key, value]) => [key, all.filter((other) => sameTree(other.get(key), value)).length]),
      ),
    ]),
  )
}

/** What two entries both say, each thing worth the less the more entries said it. */
function shared(from: Entry, to: Entry, holders: Holders): number {
  let worth = 0
  for (const [key, count] of holders.get(from) ?? []) {
    if (sameTree(from.value.get(key), to.value.get(key))) worth += 1 / count
  }
  return worth
}

function telling(value: Tree): boolean {
  return typeof value !== 'boolean'
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}
