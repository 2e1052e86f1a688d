// What a log line looks like: its styled pieces with search hits cut out, and what kind of line it is.
import type { LogHit } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { type AnsiPiece, parseAnsi, stripAnsi } from './ansi.ts'

export type LineKind = '' | 'error' | 'warning' | 'group' | 'note'

export interface LinePiece extends AnsiPiece {
  hit?: 'hit' | 'current'
}

const commands = /^::(group|endgroup|error|warning|notice|debug|add-mask)(?: ([^:]*))?::(.*)$/

/** Workflow commands as people know them are shown by what they say, not by how they are spelled. */
export function lineKind(text: string): { kind: LineKind; shown: string } {
  if (text.startsWith('::')) {
    const match = commands.exec(text)
    if (match) {
      const said = match[3] ?? ''
      if (match[1] === 'group') return { kind: 'group', shown: said }
      if (match[1] === 'endgroup' || match[1] === 'add-mask') return { kind: 'note', shown: '' }
      if (match[1] === 'error') return { kind: 'error', shown: said }
      if (match[1] === 'warning') return { kind: 'warning', shown: said }
      return { kind: 'note', shown: said }
    }
  }
  if (text.length < 2000) {
    const plain = text.includes('\u001b') ? stripAnsi(text) : text
    if (/^\s*(?:\S+:\s)?(?:fatal|error|err|npm err|failed|fail|assertionerror|exception)(?:[!:\s]|$)/i.test(plain))
      return { kind: 'error', shown: text }
    if (/^\s*(?:\S+:\s)?(?:npm )?warn(?:ing)?[!:\s]/i.test(plain)) return { kind: 'warning', shown: text }
  }
  return { kind: '', shown: text }
}

/** Cuts the pieces at the hits, whose positions count characters of the text without escapes. */
export function pieces(text: string, hits: readonly LogHit[], current: LogHit | undefined): LinePiece[] {
  const styled: LinePiece[] = parseAnsi(text)
  if (hits.length === 0) return styled
  const result: LinePiece[] = []
  let at = 0
  for (const piece of styled) {
    const end = at + piece.text.length
    let from = at
    for (const hit of hits) {
      const start = Math.max(from, hit.start)
      const stop = Math.min(end, hit.end)
      if (start >= stop) continue
      if (start > from) result.push({ text: piece.text.slice(from - at, start - at), className: piece.className })
      result.push({
        text: piece.text.slice(start - at, stop - at),
        className: piece.className,
        hit: hit === current ? 'current' : 'hit',
      })
      from = stop
    }
    if (from < end) result.push({ text: piece.text.slice(from - at), className: piece.className })
    at = end
  }
  return result
}
