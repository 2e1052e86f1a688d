// Which entries of a map were renamed: a step that got another id keeps its place, its comments and its way of writing.
import { isMapTree, sameTree, type Tree, type TreeMap } from './tree.ts'

/** Old key → new key: the same content, or at the same place with something in common. */
export function renames(before: TreeMap, after: TreeMap): Map<string, string> {
  const renamed = new Map<string, string>()
  const gone = newIn(before, after)
  const come = newIn(after, before)
  // Many at once is a new file, not a renaming.
  if (gone.length === 0 || come.length === 0 || gone.length * come.length > 10_000) return renamed
  const taken = new Set<string>()
  for (const matches of [(a: Entry, b: Entry) => sameTree(a.value, b.value), alike]) {
    for (const old of gone) {
      const match = renamed.has(old.key) ? undefined : come.find((each) => !taken.has(each.key) && matches(old, each))
      if (match === undefined) continue
      taken.add(match.key)
      renamed.set(old.key, match.key)
    }
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

function alike(a: Entry, b: Entry): boolean {
  if (a.index !== b.index) return false
  return [...a.value].some(([key, value]) => telling(value) && sameTree(value, b.value.get(key)))
}

function telling(value: Tree): boolean {
  return typeof value !== 'boolean'
}
