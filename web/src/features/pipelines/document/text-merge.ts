// Two changes of one text, made apart: by lines, and within changed lines by what their beginnings and ends have in common.
import { ChangeSet, Text } from '@codemirror/state'
import { diffIndices } from 'node-diff3'

/** Pairs of lines that are compared; beyond that the changed part is taken whole. */
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
  let line = 0
  let at = length(a.slice(0, start))
  for (const { buffer1, buffer2Content } of hunks(old, fresh)) {
    const from = at + length(old.slice(line, buffer1[0]))
    line = buffer1[0] + buffer1[1]
    at = from + length(old.slice(buffer1[0], line))
    changes.push(narrow(before, from, at, buffer2Content.join('')))
  }
  return ChangeSet.of(changes, before.length)
}

function hunks(a: string[], b: string[]): { buffer1: [number, number]; buffer2Content: string[] }[] {
  if (a.length * b.length > mostCells) return [{ buffer1: [0, a.length], buffer2Content: b }]
  return diffIndices(a, b)
}

/** `typed` is `base` with mine changes, `theirs` is `base` with the others': the changes of `typed` that bring theirs in. */
function theirChanges(base: string, typed: string, theirs: string): ChangeSet {
  return lineChanges(base, theirs).map(lineChanges(base, typed))
}

/** What comes of a text when both have changed it. */
export function mergedText(base: string, mine: string, theirs: string): string {
  return theirChanges(base, mine, theirs)
    .apply(Text.of(mine.split('\n')))
    .toString()
}

/** The same, where the lines that the one has changed are not beside those of the other; else undefined. */
export function mergedApart(base: string, mine: string, theirs: string): string | undefined {
  const changed = linesOf(base, lineChanges(base, theirs))
  const near = linesOf(base, lineChanges(base, mine)).some(([from, to]) =>
    changed.some(([first, last]) => first <= to + 1 && from <= last + 1),
  )
  return near ? undefined : mergedText(base, mine, theirs)
}

/** First and last line of each change. */
function linesOf(text: string, changes: ChangeSet): [number, number][] {
  const lines = Text.of(text.split('\n'))
  const found: [number, number][] = []
  changes.iterChangedRanges((from, to) => found.push([lines.lineAt(from).number, lines.lineAt(to).number]))
  return found
}

function narrow(text: string, from: number, to: number, insert: string) {
  const most = Math.min(to - from, insert.length)
  let start = 0
  while (start < most && text[from + start] === insert[start]) start++
  let end = 0
  while (end < most - start && text[to - 1 - end] === insert[insert.length - 1 - end]) end++
  const fresh = insert.slice(start, insert.length - end)
  return { from: from + start, to: to - end, insert: Text.of(fresh.split('\n')) }
}

const split = (text: string) => text.split(/(?<=\n)/)
const length = (lines: readonly string[]) => lines.reduce((sum, line) => sum + line.length, 0)
