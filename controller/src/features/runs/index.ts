// What other features may use of runs.
export type { AgentView, Candidate } from '@ansflow/engine/pick-job'
export type { JobResult, RunEvent } from '@ansflow/engine/state'
export {
  agentNameInRun,
  agentsWithJobs,
  busyAgents,
  jobsHeldBy,
  jobsInSilence,
  jobsWithAgents,
  runsPinnedTo,
  shownJobs,
} from './agent-jobs.ts'
export { runsFeature } from './feature.ts'
export { nextStart, type RunStart } from './insert-runs.ts'
export { attemptLog, type JobLog, jobLog, jobLogs, jobsOf, moveJobLog } from './job-logs.ts'
export {
  type AgentJob,
  jobById,
  jobsOfAgent,
  organizationsWithQueuedJobs,
  queuedElsewhere,
  queuedJobs,
  runningByProject,
  specOf,
  waitReasons,
} from './job-queue.ts'
export { readRunHead, readRunHeads } from './list-runs.ts'
export { checkGitFacts, originOf, trustOf } from './origin.ts'
export { ClaimRefused, type RunAct, type RunChange, type RunParticipant } from './participant.ts'
export type { OfferedJob, Placement, Seat } from './place-jobs.ts'
export { type RecentSteps, recentSteps } from './recent-steps.ts'
export { createRunDriver, type RunDriver, type Submitted } from './run-driver.ts'
export { firstOfReruns, oldestOf } from './run-lineage.ts'
export { lastRunsOf, type RunResult, runResults } from './run-results.ts'
export {
  type GraphStart,
  type PublishedStart,
  readyToStart,
  refusalOf,
  type StartDeps,
  startGraph,
  startPublished,
} from './start-published.ts'
export { type StepStanding, stepStanding } from './step-standing.ts'
export { endWork, giveBackWork, keepWork, type Rooms, type TakenWork, takeWork } from './work-queue.ts'
