// What a session needs to know and do about jobs; features/runs is behind it, scripted books are in tests.

import type { RunEvent } from '@ansflow/engine/state'
import type { SecretValueSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'

/** A job an agent holds by the job's row. */
export interface HeldJob {
  jobId: string
  runId: string
  epoch: number
  /**
   * `withdrawn`: its offer is being taken back. `finished`: the agent said so and uses no slot for it any more; its result is about to
   * be stored.
   */
  phase: 'offered' | 'withdrawn' | 'accepted' | 'running' | 'finished'
  offeredAt: Date
  /** False: it is known that there are none to read. */
  secrets?: boolean
  /** As of when it was read. */
  cancelRequested?: boolean
}

/** `unchanged`: a repetition. `stale`: of an epoch that is over, or of a job that is not there. */
export type Applied = 'applied' | 'unchanged' | 'stale'

export type SecretInit = MessageInitShape<typeof SecretValueSchema>

/** Values that a job may have. */
export interface JobSecrets {
  values: SecretInit[]
  /** Names of those that are not there. */
  missing: string[]
  /** Names of those that it does not get: its run is untrusted. */
  untrusted?: string[]
  /** An English sentence: why what lets it into its repository was not to be had. */
  refused?: string
}

export interface KnownJob {
  runId: string
  epoch: number
  agentId: string
  /** Otherwise than by being lost. */
  hasEnded: boolean
  logComplete: boolean
}

export interface JobBook {
  /** Jobs of this agent that have not ended. */
  heldBy(agentId: string): Promise<HeldJob[]>
  /** Any job, also an ended one. */
  find(jobId: string): Promise<KnownJob | null>
  /** Resolves after the commit; rejects when it could not be made. Events of one job given in order stay in order. */
  submit(runId: string, event: RunEvent): Promise<Applied>
  secrets(jobId: string): Promise<JobSecrets>
}
