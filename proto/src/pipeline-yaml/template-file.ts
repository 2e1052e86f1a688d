// A file that is no pipeline: templates that pipelines include.
import { type Include, type Problem, Severity, type Template } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { isMap } from 'yaml'
import { includes } from '../fields/includes.ts'
import { templates } from '../fields/templates.ts'
import { say } from '../texts/say.ts'
import { parseText } from './document.ts'
import type { KeyTable } from './key-table.ts'
import { ignoredKeys } from './keys.ts'
import { readRoot } from './parse.ts'
import type { Place, Reader } from './reader.ts'
import { pairKey, pairOf } from './source.ts'

export interface TemplateFile {
  templates: Template[]
  include: Include[]
  problems: Problem[]
}

const fields = [
  { key: 'include', kind: includes },
  { key: 'templates', kind: templates },
] as const

const keys: KeyTable = Object.fromEntries(
  fields.map(({ key, kind }) => [key, { description: '', schema: kind.schema }]),
)

/** What is wrong with its templates themselves shows where a pipeline includes them: only there it is known what they can read. */
export function readTemplateFile(yaml: string): TemplateFile {
  const file: TemplateFile = { templates: [], include: [], problems: [] }
  const { reader, problems } = readRoot(yaml, (root, at) => {
    const steps = isMap(root) ? root.items.find((pair) => pairKey(pair) === 'steps') : undefined
    if (steps) return at.report(say('include_steps'), steps.key as never, { field: 'steps' })
    const entries = at.known(root, { keys, ignored: ignoredKeys, noun: 'templateFile' }, {})
    for (const { key, kind } of fields) {
      const entry = entries.get(key)
      const value = entry && kind.read(at, entry.value, key, { field: key })
      if (value !== undefined) Object.assign(file, { [key]: value })
    }
    check(at, file)
  })
  return { ...file, problems: problems ?? reader.problems }
}

function check(reader: Reader, file: TemplateFile): void {
  for (const { key, kind } of fields) {
    kind.check?.(file[key] as never, ({ said, code, field = '', warning }) => {
      const place: Place = { field: `${key}${field}` }
      const { line, col } = reader.find(place) ?? { line: 1, col: 1 }
      reader.report(said, null, place, code, warning ? Severity.WARNING : Severity.ERROR)
      Object.assign(reader.problems.at(-1)!, { line, column: col })
    })
  }
}

/** No steps, but templates, or others that have some. */
export function isTemplateFile(yaml: string): boolean {
  const root = parseText(yaml).document?.contents
  if (!isMap(root) || pairOf(root, 'steps')) return false
  return pairOf(root, 'templates') !== undefined || pairOf(root, 'include') !== undefined
}
