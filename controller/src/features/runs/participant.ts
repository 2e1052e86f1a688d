// Who else writes when a run changes: in the same transaction, with what this commit changed of all runs that interest them.
import type { ApprovalChange } from '@ansflow/engine/approval'
import type { ChildChange } from '@ansflow/engine/child-run'
import type { LockChange } from '@ansflow/engine/locks'
import type { ReportChange } from '@ansflow/engine/report'
import type { JobState, RunState, StepState } from '@ansflow/engine/state'
import type { Transaction } from '../../platform/db.ts'
import type { Act } from '../../transport/call.ts'
import type { RunWork } from './driver/run-work.ts'
import type { RunBelongings } from './run-tables.ts'

export interface RunParticipant {
  /** For the log. */
  name: string
  /** Asked before the transaction, for each run that it changes. Who is interested in none costs nothing more. */
  wants(change: RunChange): boolean
  /**
   * Inside the transaction, which may run again, so it must touch nothing else. What it throws keeps that run's changes from being
   * committed: they are tried again, apart from those of other runs. After `LostRace`, somebody else wrote the same row first, all are
   * tried again.
   */
  write(to: Transaction, changes: readonly RunChange[], now: Date): Promise<void>
  /** What it has written is committed: for messages on the bus, which may be lost. */
  committed?(): void
}

/**
 * Thrown by a participant: an agent may not have this job now, whatever was known when it was chosen. The commit is made without the
 * claims in it; whoever made them chooses again.
 */
export class ClaimRefused extends Error {
  override name = 'ClaimRefused'
}

export interface RunChange {
  /** As it is from then on. */
  run: RunState
  belongs: RunBelongings
  started: boolean
  ended: boolean
  /** That are other than before. */
  steps: ReadonlySet<StepState>
  jobs: ReadonlySet<JobState>
  /** What was asked of people, and what became of it, in this order. */
  approvals: readonly ApprovalChange[]
  /** Runs of other pipelines that steps ask for, or do not wait for any more. */
  children: readonly ChildChange[]
  /** What attempts that have ended tell people. */
  reports: readonly ReportChange[]
  /** What was asked for to be had alone, and given back, in this order. */
  locks: readonly LockChange[]
  /** Jobs that go to an agent with it. */
  claims: readonly JobState[]
  /** What people did that brought it about. */
  acts: readonly RunAct[]
}

export interface RunAct {
  act: Act
  after: Record<string, unknown>
  /** Where it is not the run itself. */
  resource?: { kind: string; id: string; name: string }
}

export function changeOf(work: RunWork, started: boolean): RunChange {
  const { run, steps, jobs, newJobs, approvals, children, reports, locks, effects, acts, claims } = work
  return {
    run: run.state,
    belongs: run.belongs,
    started,
    ended: effects.some(({ type }) => type === 'runFinished'),
    steps,
    jobs: new Set([...jobs, ...newJobs.keys()]),
    approvals,
    children,
    reports,
    locks,
    claims: claims.map(({ job }) => job),
    acts,
  }
}

/** For each of them, what it has to write. */
export function interests(
  participants: readonly RunParticipant[],
  changed: readonly RunWork[],
  started: readonly RunWork[],
): { participant: RunParticipant; changes: RunChange[] }[] {
  if (participants.length === 0) return []
  const all = [...changed.map((work) => changeOf(work, false)), ...started.map((work) => changeOf(work, true))]
  return participants.flatMap((participant) => {
    const changes = all.filter((change) => participant.wants(change))
    return changes.length > 0 ? [{ participant, changes }] : []
  })
}
