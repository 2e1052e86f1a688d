// Two trees that were made of one: what each of the two has changed comes together, by keys and by items, and what could not is told.
import { identity, isMapTree, sameTree, type Tree, type TreeMap } from './tree-value.ts'

/** What was written and is not in the merged tree. */
export interface LostValue {
  path: readonly string[]
  value: Tree
  /** Written by the one whose text it is; else by the others. */
  mine: boolean
}

export interface TreeMerge {
  /** Of texts that both have changed. */
  mergeText(base: string, mine: string, theirs: string): string
  /** Entries here, once deleted, stay deleted, whatever the other did in them meanwhile. */
  staysDeleted(path: readonly string[]): boolean
}

type Maybe = Tree | undefined

/** `lost` is added to. Where both have changed one value, mine is it, because it is the later and stands before the one who types. */
export function mergeTrees(base: TreeMap, mine: TreeMap, theirs: TreeMap, by: TreeMerge, lost: LostValue[]): TreeMap {
  return mergeMaps(base, mine, theirs, [], by, lost)
}

function mergeMaps(
  base: TreeMap,
  mine: TreeMap,
  theirs: TreeMap,
  path: readonly string[],
  by: TreeMerge,
  lost: LostValue[],
): TreeMap {
  const merged: TreeMap = new Map()
  for (const key of mergeOrder([...base.keys()], [...mine.keys()], [...theirs.keys()])) {
    const value = mergeValue(base.get(key), mine.get(key), theirs.get(key), [...path, key], by, lost)
    if (value !== undefined) merged.set(key, value)
  }
  return merged
}

function mergeValue(
  base: Maybe,
  mine: Maybe,
  theirs: Maybe,
  path: readonly string[],
  by: TreeMerge,
  lost: LostValue[],
): Maybe {
  if (same(mine, theirs) || same(base, theirs)) return mine
  if (same(base, mine)) return theirs
  if (mine === undefined || theirs === undefined) {
    // One has deleted it, the other has changed it.
    const changed = (mine ?? theirs) as Tree
    if (!by.staysDeleted(path)) return changed
    lost.push({ path, value: changed, mine: mine !== undefined })
    return undefined
  }
  if (isMapTree(mine) && isMapTree(theirs)) {
    return mergeMaps(isMapTree(base) ? base : new Map(), mine, theirs, path, by, lost)
  }
  if (Array.isArray(mine) && Array.isArray(theirs)) {
    const list = mergeLists(Array.isArray(base) ? base : [], mine, theirs, path, by, lost)
    if (list !== undefined) return list
  }
  if (typeof base === 'string' && typeof mine === 'string' && typeof theirs === 'string') {
    if ([base, mine, theirs].some((text) => text.includes('\n'))) return by.mergeText(base, mine, theirs)
  }
  lost.push({ path, value: theirs, mine: false })
  return mine
}

/** By what each item is; undefined when the items cannot be told apart. */
function mergeLists(
  base: readonly Tree[],
  mine: readonly Tree[],
  theirs: readonly Tree[],
  path: readonly string[],
  by: TreeMerge,
  lost: LostValue[],
): Tree[] | undefined {
  const [b, m, t] = [base, mine, theirs].map((list) => new Map(list.map((item) => [identity(item), item])))
  if (b?.size !== base.length || m?.size !== mine.length || t?.size !== theirs.length) return undefined
  const merged: Tree[] = []
  for (const id of mergeOrder([...b.keys()], [...m.keys()], [...t.keys()])) {
    const value = mergeValue(b.get(id), m.get(id), t.get(id), [...path, id], by, lost)
    if (value !== undefined) merged.push(value)
  }
  return merged
}

/** All keys: in my order where I have changed it, else in theirs; what only the other has stands behind what it stands behind there. */
function mergeOrder(base: readonly string[], mine: readonly string[], theirs: readonly string[]): string[] {
  const common = new Set(base.filter((key) => mine.includes(key) && theirs.includes(key)))
  const order = (keys: readonly string[]) => keys.filter((key) => common.has(key)).join('\n')
  const [first, second] = order(mine) === order(base) ? [theirs, mine] : [mine, theirs]
  const result = [...first]
  const there = new Set(first)
  second.forEach((key, index) => {
    if (there.has(key)) return
    there.add(key)
    result.splice(result.indexOf(second[index - 1] ?? '') + 1, 0, key)
  })
  for (const key of base) if (!there.has(key)) result.push(key)
  return result
}

function same(a: Maybe, b: Maybe): boolean {
  return a === b || (a !== undefined && b !== undefined && sameTree(a, b))
}
