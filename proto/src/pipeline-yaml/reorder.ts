// Puts the entries of a block map into another order, each with the comments above it.
import { isMap, type Node } from 'yaml'
import { pairKey, pairOf, type Source } from './source.ts'

/** The text with the entries of the map at `path` in the order of `wanted`; the same text when they are. */
export function reorder(source: Source, path: readonly string[], wanted: readonly string[]): string {
  let map: unknown = source.document.contents
  for (const key of path) map = isMap(map) ? pairOf(map, key)?.value : undefined
  if (!isMap(map) || map.items.length < 2) return source.text
  const keys = map.items.map((pair) => pairKey(pair) ?? '')
  const rank = new Map(wanted.map((id, i) => [id, i]))
  const order = keys.map((id, i) => ({ i, rank: rank.get(id) ?? i })).sort((a, b) => a.rank - b.rank || a.i - b.i)
  if (order.every(({ i }, at) => i === at)) return source.text
  const pieces: { start: number; end: number }[] = []
  if (map.flow) {
    for (const pair of map.items) {
      const start = (pair.key as Node).range![0]
      pieces.push({ start, end: Math.max((pair.value as Node | null)?.range?.[1] ?? 0, (pair.key as Node).range![1]) })
    }
  } else {
    let after = 0
    for (const pair of map.items) {
      const at = (pair.key as Node).range![0]
      if (!source.beginsLine(at)) throw new Error('an entry does not begin its line')
      const start = source.commentStart(source.lineStart(at), source.column(at), after)
      const end = source.endOfLines(source.pairContentEnd(pair))
      pieces.push({ start, end })
      after = end
    }
  }
  let text = source.text.slice(0, pieces[0]!.start)
  for (const [at, { i }] of order.entries()) {
    const piece = source.text.slice(pieces[i]!.start, pieces[i]!.end)
    text += map.flow || piece.endsWith('\n') ? piece : piece + source.eol
    const here = pieces[at]!
    text += source.text.slice(here.end, pieces[at + 1]?.start ?? here.end)
  }
  const rest = source.text.slice(pieces.at(-1)!.end)
  const endsBare = rest === '' && !source.text.endsWith('\n') && text.endsWith(source.eol)
  return endsBare ? text.slice(0, -source.eol.length) : text + rest
}
