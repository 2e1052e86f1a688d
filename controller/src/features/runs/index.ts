// What other features may use of runs.
export type { AgentView, Candidate } from '@ansflow/engine/pick-job'
export type { JobResult, RunEvent } from '@ansflow/engine/state'
export type { AskHead } from './driver/at-head.ts'
export { nextStart, type RunStart } from './driver/insert-runs.ts'
export type { AskFileHashes } from './driver/look-up-files.ts'
export { createRunDriver, type RunDriver, type Submitted } from './driver/run-driver.ts'
export { LostRace } from './driver/write-runs.ts'
export { runsFeature } from './feature.ts'
export {
  agentNameInRun,
  agentsWithJobs,
  busyAgents,
  jobsHeldBy,
  jobsInSilence,
  jobsWithAgents,
  runsPinnedTo,
  shownJobs,
} from './jobs/agent-jobs.ts'
export { attemptLog, type JobLog, jobLog, jobLogs, jobsOf, moveJobLog } from './jobs/job-logs.ts'
export {
  type AgentJob,
  jobById,
  jobsOfAgent,
  organizationsWithQueuedJobs,
  queuedElsewhere,
  queuedJobs,
  runningByShare,
  specOf,
  waitReasons,
} from './jobs/job-queue.ts'
export type { OfferedJob, Placement, Seat } from './jobs/place-jobs.ts'
export { type StepStanding, stepStanding } from './jobs/step-standing.ts'
export { endWork, giveBackWork, keepWork, type Rooms, type TakenWork, takeWork } from './jobs/work-queue.ts'
export { checkGitFacts, originOf, trustOf } from './origin.ts'
export { ClaimRefused, type RunAct, type RunChange, type RunParticipant } from './participant.ts'
export type { RepeatRun } from './repeat-run.ts'
export {
  type GraphStart,
  type PublishedStart,
  readyToStart,
  refusalOf,
  type StartDeps,
  startGraph,
  startPublished,
} from './start-published.ts'
export { readRunHead, readRunHeads } from './views/list-runs.ts'
export { type RecentSteps, recentSteps } from './views/recent-steps.ts'
export { firstOfReruns, oldestOf } from './views/run-lineage.ts'
export { lastRunsOf, type RunResult, runResults } from './views/run-results.ts'
