// What a log line looks like: its styled pieces with search hits cut out, and what kind of line it is.
import type { LogHit } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { readCommand, type WorkflowCommand } from '@ansflow/proto/workflow-command'
import { plainState, renderLine, type ShownPiece, shownText, type TerminalState } from './terminal-line.ts'

export type LineKind = '' | 'error' | 'warning' | 'notice' | 'group' | 'note'

export interface LinePiece {
  text: string
  className: string
  hit?: 'hit' | 'current'
}

const commands = new Map<string, LineKind>([
  ['group', 'group'],
  ['endgroup', 'note'],
  ['add-mask', 'note'],
  ['error', 'error'],
  ['warning', 'warning'],
  ['notice', 'notice'],
  ['debug', 'note'],
])
/** Those that say nothing to people. */
const silent: ReadonlySet<string> = new Set(['endgroup', 'add-mask'])
/** Before a command, as the agent passes over it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what is looked for
const unseen = /^(?:\s|\u001b\[[0-9;:]*[mK]|\u001b\(B|\ufeff)*/
const longestBefore = 256

/** Lines that may begin or end a group, as the search of a log has them (RE2). */
export const groupMarks = '^(?:\\s|\\x1b\\[[0-9;:]*[mK]|\\x1b\\(B|\\x{feff})*::(?:end)?group(?:[ \\t][^:]*)?::'

function commandOf(text: string): WorkflowCommand | undefined {
  const colons = text.indexOf('::')
  return colons >= 0 && colons <= longestBefore ? readCommand(text.replace(unseen, '')) : undefined
}

/** A group ends where the next one begins, too. */
export function groupMark(text: string): 'begins' | 'ends' | undefined {
  const name = commandOf(text)?.name
  return name === 'group' ? 'begins' : name === 'endgroup' ? 'ends' : undefined
}

/** Workflow commands as people know them are shown by what they say, not by how they are spelled. */
export function lineKind(text: string): { kind: LineKind; shown: string } {
  const command = commandOf(text)
  const kind = command && commands.get(command.name)
  if (kind) return { kind, shown: silent.has(command.name) ? '' : command.data }
  if (text.length < 2000) {
    const plain = shownText(text)
    if (/^\s*(?:\S+:\s)?(?:fatal|error|err|npm err|failed|fail|assertionerror|exception)(?:[!:\s]|$)/i.test(plain))
      return { kind: 'error', shown: text }
    if (/^\s*(?:\S+:\s)?(?:npm )?warn(?:ing)?[!:\s]/i.test(plain)) return { kind: 'warning', shown: text }
  }
  return { kind: '', shown: text }
}

/**
 * Cuts the pieces at the hits, whose positions count characters of the whole line. `shown` is its end that is shown, `before` the
 * state that the lines before it have left the terminal in.
 */
export function pieces(
  line: string,
  shown: string,
  hits: readonly LogHit[],
  current: LogHit | undefined,
  before: TerminalState = plainState,
): LinePiece[] {
  const skipped = line.length - shown.length
  return renderLine(shown, before).pieces.flatMap((piece) => cutAtHits(piece, skipped, hits, current))
}

function cutAtHits(
  { text, className, from }: ShownPiece,
  skipped: number,
  hits: readonly LogHit[],
  current: LogHit | undefined,
): LinePiece[] {
  if (hits.length === 0) return [{ text, className }]
  const result: LinePiece[] = []
  let last: LogHit | undefined
  for (let i = 0; i < text.length; i++) {
    const at = skipped + (from[i] ?? 0)
    const hit = hits.find(({ start, end }) => at >= start && at < end)
    if (i === 0 || hit !== last)
      result.push({ text: '', className, ...(hit && { hit: hit === current ? 'current' : 'hit' }) })
    last = hit
    result.at(-1)!.text += text[i]
  }
  return result
}
