// What a batch of events changed in one run, gathered until it is committed.
import type { JobSpec } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { Changes, Effect, JobState, RunEvent, StepState } from '../../engine/state.ts'
import type { LoadedRun } from './load-run.ts'

export interface RunWork {
  run: LoadedRun
  changed: boolean
  steps: Set<StepState>
  jobs: Set<JobState>
  newJobs: Map<JobState, JobSpec>
  unpinned: Set<string>
  effects: Effect[]
}

export function newWork(run: LoadedRun): RunWork {
  return {
    run,
    changed: false,
    steps: new Set(),
    jobs: new Set(),
    newJobs: new Map(),
    unpinned: new Set(),
    effects: [],
  }
}

export function addChanges(work: RunWork, changes: Changes, event: RunEvent): void {
  work.effects.push(...changes.effects)
  if (changes.result !== 'applied') return
  work.changed = true
  for (const step of changes.steps) work.steps.add(step)
  for (const { job, spec } of changes.newJobs) {
    work.newJobs.set(job, spec)
    work.steps.add(job.step)
  }
  for (const job of changes.jobs) {
    work.steps.add(job.step)
    if (work.newJobs.has(job)) continue
    // The claim has written its row already.
    if (event.type === 'jobOffered') work.run.jobRows.set(job.id, { epoch: job.epoch, status: job.status })
    else work.jobs.add(job)
  }
  for (const workspace of changes.unpinned) work.unpinned.add(workspace)
}
