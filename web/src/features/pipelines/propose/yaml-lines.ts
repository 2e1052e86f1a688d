// Two texts line by line, with what is the same around what differs. Pure.
import { diffComm } from 'node-diff3'

export interface ShownLine {
  kind: 'same' | 'gone' | 'come' | 'skip'
  text: string
}

const around = 3

export function yamlLines(before: string, after: string): ShownLine[] {
  const lines: ShownLine[] = []
  const blocks = diffComm(split(before), split(after))
  for (const [index, block] of blocks.entries()) {
    if (block.common) lines.push(...commonLines(block.common, index > 0, index < blocks.length - 1))
    else {
      for (const text of block.buffer1) lines.push({ kind: 'gone', text })
      for (const text of block.buffer2) lines.push({ kind: 'come', text })
    }
  }
  return lines
}

/** What is far from everything that differs is left out. */
function commonLines(texts: string[], isAfter: boolean, isBefore: boolean): ShownLine[] {
  const first = isAfter ? around : 0
  const last = isBefore ? around : 0
  const same = (text: string): ShownLine => ({ kind: 'same', text })
  if (texts.length <= first + last + 1) return texts.map(same)
  const end = last > 0 ? texts.slice(-last) : []
  return [...texts.slice(0, first).map(same), { kind: 'skip', text: '' }, ...end.map(same)]
}

function split(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}
