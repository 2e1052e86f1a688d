// Owns which execution kinds this agent can run: one entry each.
import type { JobSpec } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { notedContainer } from '../containers/container-note.ts'
import type { JobFolder } from '../job/journal.ts'
import { checkout } from './checkout.ts'
import { container } from './container.ts'
import { shell } from './shell.ts'
import type { AnyKind, ExecutionCase, Main, StepKind } from './step-kind.ts'

export const kinds: { [K in ExecutionCase]?: StepKind<K> } = { shell, checkout, container }

/** Also that the workspace of an earlier run can be used further. */
export function capabilities(hasContainers: boolean): string[] {
  return [...Object.keys(kinds).filter((kind) => kind !== 'container' || hasContainers), 'earlier_workspace']
}

export function canRun(spec: JobSpec): boolean {
  return kindOf(spec) !== undefined
}

/** Outputs that the kind makes itself, besides those the step declares. */
export function outputsOf(spec: JobSpec): readonly string[] {
  return kindOf(spec)?.outputs ?? []
}

/** What it ran in, if in a container. */
export function imageOf(folder: JobFolder): { name: string; digest: string } | undefined {
  const image = folder.spec.execution.case === 'container' ? notedContainer(folder)?.image : undefined
  return image && { name: image.name, digest: image.digest }
}

export function kindOf({ execution }: JobSpec): AnyKind | undefined {
  const { case: name } = execution
  return name !== undefined && Object.hasOwn(kinds, name) ? (kinds[name] as AnyKind) : undefined
}

/** What runs as the main of this job; of an agent that was newer and knew more kinds, nothing that could be taken up. */
export function mainOf(folder: JobFolder): Main | undefined {
  return kindOf(folder.spec)?.main(folder.spec.execution.value, folder)
}
