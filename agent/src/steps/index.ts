// Owns which execution kinds this agent can run: one entry each.
import type { JobSpec } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { checkout } from './checkout.ts'
import { shell } from './shell.ts'
import type { ExecutionCase, StepCommand, StepContext, StepKind } from './step-kind.ts'

const kinds: { [K in ExecutionCase]?: StepKind<K> } = { shell, checkout }

export const capabilities: string[] = Object.keys(kinds)

export function canRun(spec: JobSpec): boolean {
  return spec.execution.case !== undefined && Object.hasOwn(kinds, spec.execution.case)
}

export function prepareStep(spec: JobSpec, context: StepContext): StepCommand {
  const { case: kind, value } = spec.execution
  const prepare = kind && (kinds[kind] as ((execution: unknown, context: StepContext) => StepCommand) | undefined)
  if (!prepare) throw new Error('This agent is too old for this kind of step.')
  return prepare(value, context)
}
