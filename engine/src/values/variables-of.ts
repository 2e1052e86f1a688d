// Which variables a step has, where each comes from, and what it has won over. The order is that of winning: the organization's, the
// project's, the pipeline's, the environment's that it deploys to, those that earlier steps have set, the step's own and what it inherits of the defaults.
import { type ExpressionContext, ExpressionError, interpolate } from '@ansflow/proto/expression'
import type { NameValue } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { knownEnvironmentOf } from '../gates/environments.ts'
import type { RunState, StepState } from '../state.ts'
import { exportedTo } from './exports.ts'
import { expressionContext, type Needs, needsOf } from './job-context.ts'

/** As it was when the run began. */
export interface InheritedVariable {
  name: string
  value: string
  from: 'organization' | 'project'
}

export interface VariableValue {
  value: string
  from: InheritedVariable['from'] | 'pipeline' | 'environment' | 'earlier' | 'defaults' | 'step'
  /** Who has set it, of those from earlier steps. */
  stepId: string
  /** It has expressions that have no value, or not yet: it stands there as it is written. */
  unresolved: boolean
}

export interface StepVariable {
  name: string
  /** The winner first. */
  values: VariableValue[]
}

/** By name. */
export function variablesOf(state: RunState, step: StepState): StepVariable[] {
  const found = new Map<string, VariableValue[]>()
  const env: Record<string, string> = {}
  const add = (name: string, value: Omit<VariableValue, 'stepId' | 'unresolved'> & Partial<VariableValue>) => {
    env[name] = value.value
    const values = found.get(name) ?? []
    found.set(name, values)
    values.unshift({ stepId: '', unresolved: false, ...value })
  }
  const needs: Needs = needsOf(state, step)
  const context = expressionContext(state, step, needs, () => env)
  for (const { name, value, from } of state.meta.variables) add(name, { value, from })
  for (const pair of state.graph.env) add(pair.name, { ...resolved(pair, context), from: 'pipeline' })
  for (const { name, value } of knownEnvironmentOf(state, step)?.variables ?? [])
    add(name, { value, from: 'environment' })
  for (const { name, value, by } of exportedTo(state, step)) add(name, { value, from: 'earlier', stepId: by.id })
  const inherited = state.graph.defaults?.env ?? []
  for (const pair of step.definition.env) {
    const isInherited = inherited.some(({ name, value }) => name === pair.name && value === pair.value)
    add(pair.name, { ...resolved(pair, context), from: isInherited ? 'defaults' : 'step' })
  }
  return [...found].map(([name, values]) => ({ name, values })).sort((a, b) => (a.name < b.name ? -1 : 1))
}

function resolved({ value }: NameValue, context: ExpressionContext): Pick<VariableValue, 'value' | 'unresolved'> {
  try {
    return { value: interpolate(value, context), unresolved: false }
  } catch (error) {
    if (error instanceof ExpressionError) return { value, unresolved: true }
    throw error
  }
}
