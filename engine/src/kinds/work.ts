// Work for the controller: an attempt that no agent gets. It is a job like others but for who does it, so attempts, logs and
// retries are the same.
import type { JsonObject } from '@bufbuild/protobuf'
import type { JobState } from '../state.ts'

/** In the place of what an agent must be able to do; no agent can have it. */
export const controllerCapability = 'controller'

export function isControllerWork({ capability }: Pick<JobState, 'capability'>): boolean {
  return capability === controllerCapability
}

export interface ControllerWork {
  /** Who in the controller performs it: the step type's id. */
  kind: string
  request: JsonObject
  /** Of the places in the request where a secret's value belongs: see proto/src/steps/secret-marks.ts. */
  secretMark: string
}
