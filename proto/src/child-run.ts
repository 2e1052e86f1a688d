// What a step asks that runs another pipeline, and how pipelines call each other: shared by the step type, the engine and the controller.
import type { JsonObject } from '@bufbuild/protobuf'

export interface RunAsk {
  /** "name", of a pipeline of the same project, or "project/name". */
  pipeline: string
  /** By name. Texts become what the pipeline's inputs are. */
  inputs: JsonObject
  /** Whether the step ends with the run, or as soon as that has begun. */
  wait: boolean
}

/** Outputs that such a step has besides those of the run. */
export const childOutputs = ['runId', 'runNumber', 'pipeline', 'status'] as const
export type ChildOutput = (typeof childOutputs)[number]

/** Runs that lead to one another by steps or triggers, at most. */
export const mostChained = 10

/** The pipeline that is meant: a name of the same project, or one of the named project. */
export function pipelineParts(written: string): { name: string; elsewhere?: { project: string; name: string } } {
  const cut = written.indexOf('/')
  if (cut <= 0) return { name: written }
  return { name: written, elsewhere: { project: written.slice(0, cut), name: written.slice(cut + 1) } }
}
