// The lines by which a step speaks to whoever reads its log: `::error file=src/a.ts,line=3::message`, with the escapes of GitHub's runner.
// One reading for the agent, which keeps annotations, and for the console, which shows the lines.
import { limits } from './limits.ts'

export interface WorkflowCommand {
  /** In small letters. */
  name: string
  /** By their names in small letters. */
  properties: Map<string, string>
  /** As it stands in the line, so at its end. */
  data: string
}

/** Of a line that begins with `::`; undefined: it is an ordinary line. Anybody writes lines: each sign is looked at once. */
export function readCommand(line: string): WorkflowCommand | undefined {
  const name = /^::([a-z-]+)/i.exec(line)?.[1]
  if (name === undefined) return undefined
  const begin = name.length + 2
  const end = line.indexOf('::', begin)
  if (end < 0 || (end > begin && !/[ \t]/.test(line[begin]!))) return undefined
  const [given, data] = [line.slice(begin, end), line.slice(end + 2)]
  const properties = new Map<string, string>()
  for (const part of given.split(',')) {
    const at = part.indexOf('=')
    if (at > 0) properties.set(part.slice(0, at).trim().toLowerCase(), unescapeProperty(part.slice(at + 1)))
  }
  return { name: name.toLowerCase(), properties, data }
}

export function unescapeData(text: string): string {
  return text.replace(/%(25|0D|0A)/gi, (code) => decodeURIComponent(code))
}

function unescapeProperty(text: string): string {
  return text.replace(/%(25|0D|0A|3A|2C)/gi, (code) => decodeURIComponent(code)).trim()
}

export const annotationLevels = ['notice', 'warning', 'error'] as const

export interface AnnotationText {
  level: (typeof annotationLevels)[number]
  message: string
  title: string
  file: string
  /** 0: not said. */
  line: number
  endLine: number
  column: number
  endColumn: number
}

/** Undefined: it is none, or says nothing. Texts that are too long end in an ellipsis. */
export function annotationOf({ name, properties, data }: WorkflowCommand): AnnotationText | undefined {
  const level = annotationLevels.find((word) => word === name)
  if (level === undefined) return undefined
  const message = unescapeData(data).trim()
  const title = properties.get('title') ?? ''
  if (message === '' && title === '') return undefined
  const number = (...names: string[]) => wholeNumber(names.map((each) => properties.get(each)).find(Boolean))
  return {
    level,
    message: short(message, limits.annotationMessage),
    title: short(title, limits.annotationTitle),
    file: short(properties.get('file') ?? '', limits.annotationFile),
    line: number('line'),
    endLine: number('endline'),
    column: number('col', 'column'),
    endColumn: number('endcolumn', 'endcol'),
  }
}

function wholeNumber(text: string | undefined): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0
}

function short(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
