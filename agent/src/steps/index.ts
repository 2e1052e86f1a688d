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

/** Outputs that the kind makes itself, besides those the step declares. */
export function outputsOf(spec: JobSpec): readonly string[] {
  return kindOf(spec)?.outputs ?? []
}

export function prepareStep(spec: JobSpec, context: StepContext): StepCommand {
  const kind = kindOf(spec)
  if (!kind) throw new Error('This agent is too old for this kind of step.')
  return kind.prepare(spec.execution.value, context)
}

/** The table ties each kind to its message, which the compiler cannot follow through a lookup. */
interface AnyKind {
  outputs: readonly string[]
  prepare(execution: unknown, context: StepContext): StepCommand
}
function kindOf(spec: JobSpec): AnyKind | undefined {
  const { case: name } = spec.execution
  return name && (kinds[name] as AnyKind | undefined)
}
