// A pipeline's steps with what its `defaults` say for those that do not say it themselves: what runs, and what is checked.
import type { NameValue, PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { hasEffect, inheritedFields, type StepField } from './fields/step-fields.ts'
import { paramOf, stepType } from './steps/index.ts'

/** Without defaults the graph itself. */
export function withDefaults(graph: PipelineGraph): PipelineGraph {
  const { defaults } = graph
  return defaults ? { ...graph, steps: graph.steps.map((step) => inherited(step, defaults)) } : graph
}

/** A step with what another one says for it. */
export function inherited(step: StepDefinition, defaults: StepDefinition): StepDefinition {
  const result: StepDefinition = { ...step }
  for (const field of inheritedFields) {
    if (!inherits(step, field)) continue
    const { of } = field
    if (of === 'env') result.env = [...others(defaults.env, step.env), ...step.env]
    else Object.assign(result, { [of]: defaults[of] })
  }
  const shell = defaults.with?.shell
  if (shell !== undefined && step.with?.shell === undefined && paramOf(stepType(step.uses), 'shell')) {
    result.with = { ...step.with, shell }
  }
  return result
}

/** Whether it is what the defaults say: what a step says itself counts, all of it but for variables. */
export function inherits(step: StepDefinition, field: StepField): boolean {
  if (!hasEffect(field, step.uses)) return false
  if (field.of === 'env') return true
  const ofKey = inheritedFields.filter(({ key }) => key === field.key)
  return ofKey.every(({ of }) => isUnsaid(step[of]))
}

function isUnsaid(value: unknown): boolean {
  return value === undefined || value === '' || value === 0 || (Array.isArray(value) && value.length === 0)
}

function others(pairs: readonly NameValue[], own: readonly NameValue[]): NameValue[] {
  return pairs.filter(({ name }) => !own.some((pair) => pair.name === name))
}
