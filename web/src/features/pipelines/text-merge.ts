// Two changes of one text, made apart: what stands in the document meanwhile comes into the text that is being typed, by lines.
import { ChangeSet, Text } from '@codemirror/state'

/** Cells of the table of equal lines; beyond that the changed part is taken whole. */
const mostCells = 4_000_000

/** Line by line, so that changes far apart stay apart. */
export function lineChanges(before: string, after: string): ChangeSet {
  const a = split(before)
  const b = split(after)
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const old = a.slice(start, a.length - end)
  const fresh = b.slice(start, b.length - end)
  const changes: { from: number; to: number; insert: Text }[] = []
  let at = length(a.slice(0, start))
  for (const [removed, added] of hunks(old, fresh)) {
    const to = at + length(removed)
    if (removed.join('') !== added.join('')) changes.push({ from: at, to, insert: Text.of(added.join('').split('\n')) })
    at = to
  }
  return ChangeSet.of(changes, before.length)
}

/** `typed` is `base` with mine changes, `theirs` is `base` with the others': the changes of `typed` that bring theirs in. */
export function theirChanges(base: string, typed: string, theirs: string): ChangeSet {
  return lineChanges(base, theirs).map(lineChanges(base, typed))
}

const split = (text: string) => text.split(/(?<=\n)/)
const length = (lines: readonly string[]) => lines.reduce((sum, line) => sum + line.length, 0)

/** Pairs of lines that went and lines that came; equal lines are pairs of themselves. */
function hunks(a: readonly string[], b: readonly string[]): [string[], string[]][] {
  if (a.length * b.length > mostCells || a.length === 0 || b.length === 0) return [[[...a], [...b]]]
  const width = b.length + 1
  const common = new Uint32Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!)
    }
  }
  const found: [string[], string[]][] = []
  let open: [string[], string[]] = [[], []]
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push(open, [[a[i]!], [b[j]!]])
      open = [[], []]
      i++
      j++
    } else if (j >= b.length || (i < a.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      open[0].push(a[i++]!)
    } else open[1].push(b[j++]!)
  }
  return [...found, open]
}
