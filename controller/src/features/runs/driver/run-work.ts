// What a batch of events changed in one run, gathered until it is committed.

import type { ApprovalChange } from '@ansflow/engine/approval'
import type { ChildChange } from '@ansflow/engine/child-run'
import type { LockChange } from '@ansflow/engine/locks'
import type { ReportChange } from '@ansflow/engine/report'
import type { Changes, Effect, JobState, RunState, StepState } from '@ansflow/engine/state'
import type { ControllerWork } from '@ansflow/engine/work'
import type { JobSpec } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { limits } from '@ansflow/proto/limits'
import { atOnce, type Pieces } from '@ansflow/proto/pieces'
import { inTurns } from '../../../platform/turns.ts'
import type { Claim } from '../jobs/place-jobs.ts'
import type { RunAct } from '../participant.ts'
import type { LoadedRun } from './load-run.ts'
import type { RunRows } from './write-runs.ts'

export interface RunWork {
  run: LoadedRun
  changed: boolean
  steps: Set<StepState>
  jobs: Set<JobState>
  newJobs: Map<JobState, JobSpec>
  newWorks: Map<JobState, ControllerWork>
  approvals: ApprovalChange[]
  children: ChildChange[]
  reports: ReportChange[]
  locks: LockChange[]
  /** Workspaces that went to an agent, or from one. */
  pins: Set<string>
  claims: Claim[]
  effects: Effect[]
  /** What people did that brought it about. */
  acts: RunAct[]
  /** What of it is written, once it is known: see write-runs.ts. */
  rows: RunRows | undefined
}

/** More steps than this are not worked on in one turn of the event loop. */
const fewSteps = 200

export function isLargeRun(steps: number): boolean {
  return steps > fewSteps
}

/** Steps that an event may concern, copies that it may make among them. */
export function sizeOf({ graph, steps }: Pick<RunState, 'graph' | 'steps'>): number {
  const mayGrow = !isLargeRun(steps.size) && graph.steps.some(({ matrix }) => matrix !== undefined)
  return steps.size + (mayGrow ? limits.matrixCopies : 0)
}

export async function paced<T>(steps: number, work: Pieces<T>): Promise<T> {
  return isLargeRun(steps) ? inTurns(work) : atOnce(work)
}

export function newWork(run: LoadedRun): RunWork {
  return {
    run,
    changed: false,
    steps: new Set(),
    jobs: new Set(),
    newJobs: new Map(),
    newWorks: new Map(),
    approvals: [],
    children: [],
    reports: [],
    locks: [],
    pins: new Set(),
    claims: [],
    effects: [],
    acts: [],
    rows: undefined,
  }
}

export function addChanges(work: RunWork, changes: Changes): void {
  work.effects.push(...changes.effects)
  if (changes.result !== 'applied') return
  work.changed = true
  for (const step of changes.steps) work.steps.add(step)
  for (const { job, spec } of changes.newJobs) {
    work.newJobs.set(job, spec)
    work.steps.add(job.step)
  }
  for (const { job, work: asked } of changes.newWorks) {
    work.newWorks.set(job, asked)
    work.steps.add(job.step)
  }
  for (const job of changes.jobs) {
    work.steps.add(job.step)
    if (!work.newJobs.has(job) && !work.newWorks.has(job)) work.jobs.add(job)
  }
  work.approvals.push(...changes.approvals)
  work.children.push(...changes.children)
  work.reports.push(...changes.reports)
  work.locks.push(...changes.locks)
  for (const workspace of changes.pins) work.pins.add(workspace)
}
