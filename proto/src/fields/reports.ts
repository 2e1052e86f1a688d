// Files that are read for people once a script has ended: globs of them, by what they hold.
import { type StepReports, StepReportsSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import type { Node } from 'yaml'
import { hasExpression } from '../expression.ts'
import { globProblem } from '../globs.ts'
import { limits } from '../limits.ts'
import { type KeyTable, words } from '../pipeline-yaml/key-table.ts'
import type { Place, Reader } from '../pipeline-yaml/reader.ts'
import type { Tree } from '../pipeline-yaml/tree-value.ts'
import { type Said, say } from '../texts/say.ts'
import { valueAt } from './entries.ts'
import { type DocumentValue, type Kind, textsOf } from './kind.ts'

export const reportLists = ['junit', 'coverage'] as const
export type ReportList = (typeof reportLists)[number]

const globs =
  'Globs from the workspace on: * is any text without a slash, ** any text, and ! takes away; may hold ${{ }}.'

export const reportKeys: KeyTable = {
  junit: { description: `Files of test results, as JUnit writes them. ${globs}`, schema: words },
  coverage: { description: `Files of coverage, of Cobertura or lcov. ${globs}`, schema: words },
}

/** Also of what an expression has given. */
export function reportGlobProblem(glob: string): Said | undefined {
  if (glob.replace(/^!/, '').split('/').includes('..')) return say('report_outside')
  return globProblem(glob, { path: true })
}

export const reports: Kind<StepReports | undefined> = {
  name: 'reports',
  schema: { $ref: '#/$defs/reports' },
  absent: undefined,
  read: readReports,
  write(value): Tree | undefined {
    const said = reportLists.flatMap((key): [string, Tree][] => {
      const [first, ...others] = value?.[key] ?? []
      return first === undefined ? [] : [[key, others.length > 0 ? [first, ...others] : first]]
    })
    return said.length > 0 ? new Map(said) : undefined
  },
  // In their order: the last that matches decides.
  canonical: (value) => (isSaid(value) ? { junit: [...value.junit], coverage: [...value.coverage] } : null),
  suffixes: reportLists.map((key) => `.${key}`),
  toDocument: (value): Record<string, DocumentValue> =>
    Object.fromEntries(reportLists.flatMap((key) => (value?.[key].length ? [[`.${key}`, [...value[key]]]] : []))),
  fromDocument(document, key) {
    const [junit, coverage] = reportLists.map((list) => textsOf(document.get(`${key}.${list}`)))
    const value = create(StepReportsSchema, { junit: junit!, coverage: coverage! })
    return isSaid(value) ? value : undefined
  },
  expressions: 'template',
  check(value, report) {
    for (const key of reportLists) {
      const list = value?.[key] ?? []
      if (list.length > limits.reportGlobs) {
        report({ code: 'limit', field: `.${key}`, said: say('many_globs', { most: limits.reportGlobs }) })
      }
      for (const glob of list) {
        const said = hasExpression(glob) ? undefined : reportGlobProblem(glob)
        if (said) report({ code: 'pattern', field: `.${key}`, said })
      }
    }
  },
}

function isSaid(value: StepReports | undefined): value is StepReports {
  return value !== undefined && value.junit.length + value.coverage.length > 0
}

function readReports(reader: Reader, node: Node | null, key: string, place: Place): StepReports | undefined {
  const entries = reader.known(node, { keys: reportKeys, noun: key }, place)
  const at = valueAt(reader, entries, place)
  const wordsAt = (part: ReportList) => (entries.has(part) ? reader.words(...at(part)) : [])
  const read = create(StepReportsSchema, { junit: wordsAt('junit'), coverage: wordsAt('coverage') })
  return isSaid(read) ? read : undefined
}
