// How runs start by themselves: that what triggers give fits the inputs, and that their expressions read what is there then.
import type { InputDefinition, PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonObject } from '@bufbuild/protobuf'
import { compileExpression, contextFields, hasExpression, parseTemplate } from '../expression.ts'
import { triggerFields } from '../fields/trigger-fields.ts'
import { inputFindings, writtenInputFindings } from '../inputs.ts'
import { suggestion } from '../suggest.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import type { Report } from './finding.ts'

/** What expressions read, by root: the names that there are, where they are known. */
type Roots = Readonly<Record<string, readonly string[] | undefined>>

const ofRuns: Roots = {
  run: [...contextFields.run, 'status'],
  inputs: undefined,
  outputs: undefined,
  git: contextFields.git,
}

const ofRepository: Roots = { git: contextFields.git }

export function checkTriggers({ triggers, inputs }: PipelineGraph, report: Report): void {
  if (!triggers) return
  for (const { key, of, kind } of triggerFields) {
    kind.check?.(triggers[of] as never, ({ field = '', ...finding }) =>
      report({ ...finding, field: `on.${key}${field}` }),
    )
  }
  for (const [index, schedule] of triggers.schedules.entries()) {
    for (const { name, said } of inputFindings(inputs, schedule.inputs ?? {})) {
      report({ code: 'trigger_input', field: `on.schedule.${index}.inputs.${name}`, said })
    }
  }
  for (const [index, each] of triggers.runs.entries()) {
    checkGiven(each.inputs ?? {}, { inputs, roots: ofRuns, field: `on.run.${index}.inputs` }, report)
  }
  const { push, pullRequest, comments, release, webhook } = triggers
  const ofRepositories = { push, pullRequest, release }
  const commands = comments.map((each, index) => [`comment.${index}`, each] as const)
  for (const [key, each] of [...Object.entries(ofRepositories), ...commands]) {
    if (each) checkGiven(each.inputs ?? {}, { inputs, roots: ofRepository, field: `on.${key}.inputs` }, report)
  }
  if (!webhook) return
  const roots: Roots = { body: undefined, headers: webhook.headers }
  if (webhook.filter !== '') checkExpression(webhook.filter, roots, 'on.webhook.filter', report)
  checkGiven(webhook.inputs ?? {}, { inputs, roots, field: 'on.webhook.inputs' }, report)
}

interface Site {
  inputs: readonly InputDefinition[]
  roots: Roots
  field: string
}

function checkGiven(given: JsonObject, { inputs, roots, field }: Site, report: Report): void {
  for (const { name, said } of writtenInputFindings(inputs, given)) {
    report({ code: 'trigger_input', field: `${field}.${name}`, said })
  }
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'string' || !hasExpression(value)) continue
    const { parts, error } = parseTemplate(value)
    if (error !== undefined) report({ code: 'expression', field: `${field}.${name}`, said: error })
    for (const part of parts) {
      if (part.kind === 'expression') checkExpression(part.source, roots, `${field}.${name}`, report)
    }
  }
}

function checkExpression(source: string, roots: Roots, field: string, report: Report): void {
  const { expression, error } = compileExpression(source)
  if (expression === undefined) {
    const shown = source.length > 120 ? `${source.slice(0, 119)}…` : source
    report({ code: 'expression', field, said: say('in_expression', { problem: error!, source: shown }) })
    return
  }
  if (expression.changed.length > 0) report({ code: 'expression', field, said: say('changed_trigger') })
  if (expression.hashFiles.length > 0) report({ code: 'expression', field, said: say('hash_files_trigger') })
  if (expression.usesStatus) report({ code: 'expression', field, said: say('expression_status') })
  for (const { root, path } of expression.references) {
    const [name] = path
    if (!Object.hasOwn(roots, root)) {
      const said = say('trigger_root', { name: root, options: Object.keys(roots).join(', ') })
      report({ code: 'unknown_reference', field, said })
    } else if (name !== undefined && roots[root]?.includes(name) === false) {
      const said =
        root === 'headers'
          ? say('trigger_header', { name: shortText(name) })
          : say('unknown_part', { root, name: shortText(name), ...suggestion(name, roots[root]!) })
      report({ code: 'unknown_reference', field, said })
    }
  }
}
