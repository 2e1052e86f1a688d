// Two changes of one text, made apart: what stands in the document meanwhile comes into the text that is being typed, by lines.
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
    changes.push({ from, to: at, insert: Text.of(buffer2Content.join('').split('\n')) })
  }
  return ChangeSet.of(changes, before.length)
}

function hunks(a: string[], b: string[]): { buffer1: [number, number]; buffer2Content: string[] }[] {
  if (a.length * b.length > mostCells) return [{ buffer1: [0, a.length], buffer2Content: b }]
  return diffIndices(a, b)
}

/** `typed` is `base` with mine changes, `theirs` is `base` with the others': the changes of `typed` that bring theirs in. */
export function theirChanges(base: string, typed: string, theirs: string): ChangeSet {
  return lineChanges(base, theirs).map(lineChanges(base, typed))
}

const split = (text: string) => text.split(/(?<=\n)/)
const length = (lines: readonly string[]) => lines.reduce((sum, line) => sum + line.length, 0)
