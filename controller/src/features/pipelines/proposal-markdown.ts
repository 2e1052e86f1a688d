// What a proposal changes, for the text of a request at a forge. All that stands in pipelines stands in code there: it is no markup, mentions
// nobody and closes nothing.
import type { FieldChange, GraphDiff } from '@ansflow/proto/graph-diff'

const mostLines = 200
const longestValue = 160

export function diffMarkdown({ added, removed, changed, settings }: GraphDiff): string {
  const lines = [
    ...section(
      'Pipeline',
      settings.map((each) => `- ${fieldLine(each)}`),
    ),
    ...section('Steps added', added.map(stepLine)),
    ...section('Steps removed', removed.map(stepLine)),
    ...section(
      'Steps changed',
      changed.flatMap((step) => [stepLine(step), ...step.fields.map((each) => `  - ${fieldLine(each)}`)]),
    ),
  ]
  if (lines.length === 0) return 'The pipeline says the same; its text changes.'
  const rest = lines.length - mostLines
  return [...lines.slice(0, mostLines), ...(rest > 0 ? ['', `… and ${rest} more lines.`] : [])].join('\n').trim()
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [`**${title}**`, '', ...lines, '']
}

function stepLine({ key, title }: { key: string; title: string }): string {
  return `- ${code(key)}${title === key ? '' : ` (${code(title)})`}`
}

function fieldLine({ field, before, after }: FieldChange): string {
  const name = code(field)
  if (before === '') return `${name}: ${code(after)}`
  return after === '' ? `${name}: ~~${code(before)}~~` : `${name}: ${code(before)} → ${code(after)}`
}

/** In as many backticks as end nothing that is in it. */
function code(text: string): string {
  const line = text
    .trim()
    .split(/[\r\n]+/)
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .join(' ⏎ ')
    .replace(/\p{Cc}/gu, ' ')
  const letters = [...line]
  const shown = letters.length > longestValue ? `${letters.slice(0, longestValue).join('')}…` : line
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  const pad = /^`|`$|^ .* $/.test(shown) || shown === '' ? ' ' : ''
  return `${fence}${pad}${shown}${pad}${fence}`
}
