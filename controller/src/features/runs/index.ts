// What other features may use of runs.
export type { AgentView, Candidate } from '@ansflow/engine/pick-job'
export type { JobResult, RunEvent } from '@ansflow/engine/state'
export { type ClaimedJob, claimJob } from './claim-job.ts'
export { deleteRunsOf, runsOf } from './delete-runs.ts'
export type { RunStart } from './insert-runs.ts'
export { JobEntity, WorkspacePinEntity } from './job.entity.ts'
export {
  type AgentJob,
  jobById,
  jobsOfAgent,
  organizationsWithQueuedJobs,
  queuedJobs,
  runningByProject,
  waitReasons,
} from './job-queue.ts'
export { readRunHead } from './list-runs.ts'
export { RunCounterEntity, RunEntity, RunEventEntity, RunGraphEntity, RunStepEntity } from './run.entity.ts'
export { createRunDriver, type RunDriver, type Submitted } from './run-driver.ts'
export { runEventsAfter } from './run-events.ts'
export { runScope } from './run-scope.ts'
export { createRunWatch } from './run-watch.ts'
export { type RunsDeps, runsApi } from './runs.api.ts'
export { type StepStanding, stepStanding } from './step-standing.ts'
