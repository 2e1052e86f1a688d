// What a file holds, apart from how it is written.
import type { JsonValue } from '@bufbuild/protobuf'

/** Maps, not objects: keys such as "10" keep their place. */
export type Tree = string | number | boolean | null | Tree[] | TreeMap
export type TreeMap = Map<string, Tree>

export function jsonTree(value: JsonValue): Tree {
  if (Array.isArray(value)) return value.map(jsonTree)
  if (value !== null && typeof value === 'object') {
    return new Map(Object.entries(value).map(([key, item]) => [key, jsonTree(item)]))
  }
  return value
}

export function isMapTree(tree: Tree | undefined): tree is TreeMap {
  return tree instanceof Map
}

export function sameTree(a: Tree | undefined, b: Tree | undefined): boolean {
  if (a === b) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameTree(item, b[i]))
  if (!isMapTree(a) || !isMapTree(b) || a.size !== b.size) return false
  for (const [key, value] of a) if (!b.has(key) || !sameTree(value, b.get(key))) return false
  return true
}

/** What makes two items of a list the same one: the step of a need, else the whole value. */
export function identity(item: Tree): string {
  if (isMapTree(item)) {
    const step = item.get('step')
    if (typeof step === 'string') return `=${step}`
  }
  return typeof item === 'string' ? `=${item}` : JSON.stringify(plainTree(item))
}

function plainTree(tree: Tree): unknown {
  if (Array.isArray(tree)) return tree.map(plainTree)
  if (isMapTree(tree)) return [...tree].map(([key, value]) => [key, plainTree(value)])
  return tree
}
