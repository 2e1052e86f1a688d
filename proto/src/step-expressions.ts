// Every expression of a step, with the field that it stands in.
import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import { compileExpression, hasExpression, parseTemplate, type Reference } from './expression.ts'
import { configFields } from './fields/step-fields.ts'
import { runsOnAgent } from './steps/index.ts'

export interface StepExpression {
  /** As checks name it: "when", "needs.build.if", "env.A", "with.script", "runsOn" … */
  field: string
  source: string
}

/** `when` and `if`, then the insides of the `${{ }}` of all texts. */
export function* expressionsOf(step: StepDefinition): Generator<StepExpression> {
  for (const { stepId, condition } of step.needs) {
    if (condition !== '') yield { field: `needs.${stepId}.if`, source: condition }
  }
  yield* expressionsIn('name', step.name)
  for (const { key, of, kind } of configFields) {
    const value = step[of] as JsonValue
    if (kind.expressions === 'condition' && value !== '') yield { field: key, source: value as string }
    else if (kind.expressions === 'template') yield* expressionsIn(key, value)
  }
  for (const { name, value } of step.env) yield* expressionsIn(`env.${name}`, value)
  for (const [name, value] of Object.entries(step.with ?? {})) yield* expressionsIn(`with.${name}`, value)
}

/** Of all texts of a value. */
export function* expressionsIn(field: string, value: JsonValue): Generator<StepExpression> {
  if (typeof value === 'string') {
    for (const part of hasExpression(value) ? parseTemplate(value).parts : []) {
      if (part.kind === 'expression') yield { field, source: part.source }
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) yield* expressionsIn(field, inner as JsonValue)
  }
}

export function referencesIn(source: string): readonly Reference[] {
  return compileExpression(source).expression?.references ?? []
}

/** Of `among`, the inputs that the step's expressions read, or that reach its script by the pipeline's variables. */
export function inputsReadBy(graph: PipelineGraph, step: StepDefinition, among: readonly string[]): string[] {
  const read = new Set<string>()
  const note = (references: readonly Reference[]) => {
    for (const { root, path } of references) {
      // `inputs[env.X]` may be any.
      if (root === 'inputs') for (const name of path[0] === undefined ? among : [path[0]]) read.add(name)
    }
  }
  const references = [...expressionsOf(step)].flatMap(({ source }) => referencesIn(source))
  note(references)
  // A process gets all of the pipeline's variables.
  if (runsOnAgent(step.uses) || references.some(({ root }) => root === 'env')) {
    for (const { value } of graph.env) for (const { source } of expressionsIn('', value)) note(referencesIn(source))
  }
  return among.filter((name) => read.has(name))
}
