// What the engine knows of one run, indexed so that an event touches only the steps it concerns, and the words it speaks:
// events in, changes and effects out.

import type { OnExpiry } from '@ansflow/proto/approval'
import type { JobSpec, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { RunOrigin } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { MatrixValues } from '@ansflow/proto/matrix'
import type { Reason } from '@ansflow/proto/reasons'
import type { JobStatus, RunStatus, StepStatus } from '@ansflow/proto/status'
import type { JsonObject } from '@bufbuild/protobuf'
import type { Ahead, LockChange, LockHolder, LockWant } from './gates/locks.ts'
import type { ApprovalChange, Vote } from './kinds/approval.ts'
import type { ChildChange } from './kinds/child-run.ts'
import type { ControllerWork } from './kinds/work.ts'
import type { JobReport, ReportChange, ReportCounts } from './report.ts'
import type { Exports } from './values/exports.ts'
import type { InheritedVariable } from './values/variables-of.ts'

/** What a run is besides its graph. `newId` makes job ids; the engine itself has no randomness. */
export interface RunMeta {
  runId: string
  number: number
  pipelineId: string
  pipelineName: string
  projectId: string
  projectSlug: string
  /** 0: the frozen draft. */
  version: number
  /** Of its jobs: the higher go first. */
  priority: number
  origin: RunOrigin
  /** Of its organization and its project, as they were when it began: in the order in which they win. */
  variables: readonly InheritedVariable[]
  /** Of its project, as they were when it began: those that its steps may deploy to. */
  environments: readonly RunEnvironment[]
  newId: () => string
  /** Nothing runs: what steps set is not known. See foresee.ts. */
  foresees?: true
  /** Of such a run: what is to have changed, in the place of what its origin says. */
  changed?: Readonly<Record<string, boolean>> | undefined
  /** As `GitFacts.fileHashes`. */
  fileHashes?: Readonly<Record<string, string>> | undefined
}

/** As it was when the run began. */
export interface RunEnvironment {
  id: string
  name: string
  /** Empty: it is not said. */
  url: string
  /** Globs; both empty: whatever the run is for. */
  branches: string[]
  tags: string[]
  variables: { name: string; value: string }[]
}

export interface RunState {
  readonly meta: RunMeta
  readonly graph: PipelineGraph
  readonly inputs: JsonObject
  readonly steps: Map<string, StepState>
  readonly jobs: Map<string, JobState>
  status: RunStatus
  reason: Reason | null
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
  /** 0: none. 1: all but steps that asked to run after a cancel. 2: those too. */
  cancelLevel: 0 | 1 | 2
  /** `group`: it can have no place in its group; `superseded`: another run takes its place in it. Both are said by `reason`. */
  cancelCause: 'person' | 'run_timeout' | 'group' | 'superseded' | null
  cancelRequestedAt: Date | null
  canceledBy: string
  canceledByName: string
  /** What it says, once it has succeeded. */
  outputs: Record<string, string>
  /** Of the run, while it runs and has a timeout. */
  deadline: Date | null
  /** Earliest moment at which something may be due; a timer event that finds nothing due moves it on. */
  wakeAt: Date | null
  /** The agent that has each workspace of the run: the first that got a job of it. */
  readonly pins: Map<string, string>
  /** Workspaces that are used further: the run whose they were, by workspace. They have their agents from the beginning. */
  readonly inherited: ReadonlyMap<string, string>

  // Indices, rebuilt on load.
  /** Steps that have not ended. */
  readonly active: Set<StepState>
  /** Active steps with a `dueAt`. */
  readonly timed: Set<StepState>
  /** Steps by status, indexed by StepStatus; of steps with copies, these. */
  readonly counts: number[]
  /** Failed steps that were not allowed to. */
  failures: number
  /** The steps as expressions see them. */
  readonly stepValues: Record<string, { status: string; outputs: Record<string, string | string[]> }>
  /** Jobs that are with an agent or had a result, by workspace: whether it may hold files that other steps need. */
  readonly workspaceUses: Map<string, number>
  /** What the steps of each workspace ask for together: its labels, each with the first steps that do. */
  readonly workspaceLabels: Map<string, Map<string, string[]>>
  /** Workspaces of which some step runs in a container: the agent that gets one can do that too. */
  readonly containerWorkspaces: Set<string>
  /** How many copies of steps there are. */
  copies: number
  /** How many steps have set something for others. */
  exporters: number
}

/**
 * What the next event about a step can be: an end of its needs; the end of another copy, before which it is held back; the time,
 * for its next attempt; what becomes of the job of its last attempt; the answer or the moment that it awaits; an end of its copies.
 * Every step that has not ended has such a thing, or the run is stuck.
 */
export type StepPhase = 'blocked' | 'held' | 'delayed' | 'job' | 'awaiting' | 'copies' | 'ended'

/** What a step awaits from outside of its agents. */
export type Awaited =
  /** A moment, in ISO form. */
  | { kind: 'time'; until: string }
  /** The answer of whoever does the work of its last attempt: see work.ts. */
  | { kind: 'work' }
  /** A run of another pipeline, which is called by this id from before it begins: see child-run.ts. */
  | { kind: 'run'; id: string; wait: boolean; began: boolean }
  /** Its locks: see locks.ts. */
  | { kind: 'locks'; of: LockHolder }
  /** People: see approval.ts. */
  | {
      kind: 'approval'
      /** Of the asking: an answer to another one does not count. */
      id: string
      required: number
      approvers: string[]
      /** In the order in which they did. */
      approvedBy: { id: string; name: string }[]
      /** When it expires, in ISO form, and how long that was. */
      until: string | null
      after: string
      onExpiry: OnExpiry
      /** The outputs where nobody answers. */
      answers: Record<string, string>
    }

export interface ReusedFrom {
  runId: string
  number: number
  /** How many it had there. */
  attempts: number
}

export interface StepState {
  /** The key in the file; of a copy that with its index. */
  readonly id: string
  readonly definition: StepDefinition
  /** Place in the file. */
  readonly index: number
  /** Of a copy: the step whose matrix made it. Its definition, place and needs are the copy's too. */
  readonly group: StepState | null
  /** Of a copy: its place among them; of others -1. */
  readonly copyIndex: number
  /** Of a copy: its values. */
  readonly matrix: MatrixValues | null
  /** What people see of it. */
  name: string
  /** Of a step with a matrix, once they are known. */
  copies: StepState[] | null
  readonly needs: StepState[]
  /** An entry an edge. */
  readonly dependents: StepState[]
  phase: StepPhase
  /** While it is awaiting. */
  awaits: Awaited | null
  /** What people see of it. */
  status: StepStatus
  /** Present while the step has not ended, and after it ended other than well. */
  reason: Reason | null
  outputs: Record<string, string>
  /** What it has set for the steps that need it; null: nothing. */
  exports: Exports | null
  attempts: JobState[]
  queuedAt: Date | null
  startedAt: Date | null
  finishedAt: Date | null
  /** When the time is to be looked at: the end of a delay, an awaited moment, or when an attempt should have ended by itself. */
  dueAt: Date | null
  failureAllowed: boolean
  /** It was not run: all of it is what it was in this run. */
  readonly reused: ReusedFrom | null

  // Indices, rebuilt on load.
  needsLeft: number
  /** The open needs its reason names, and the first need that was not yet considered for that. */
  namedNeeds: StepState[]
  nextNeed: number
  /** A step before it, near or far, failed. */
  failedBefore: boolean
  /** Of copies: those that have not ended, those of them that have begun, the first that may be held back, and whether one that failed has ended the others. */
  copiesLeft: number
  copiesGoing: number
  nextCopy: number
  stopped: boolean
}

/** What a job needs to know and nobody else may. */
export interface JobSecret {
  /** Of the project's secret; empty: it is what lets git into a connected repository. */
  name: string
  /** Whether it goes into the environment. */
  env: boolean
  /** The id of what the step deploys to: its secret of that name comes before the project's. */
  environment?: string
  /** The id of that repository. */
  repository?: string
}

/** One attempt of one step on one agent. */
export interface JobState {
  readonly id: string
  readonly step: StepState
  readonly attempt: number
  /** Its step's and those of the steps it shares its workspace with. */
  readonly labels: string[]
  /** What its agent must be able to do: words with spaces between, its own kind first. */
  readonly capability: string
  readonly workspace: string
  readonly secrets: JobSecret[]
  readonly createdAt: Date
  /** Fencing token: incremented by every offer. */
  epoch: number
  status: JobStatus
  agentId: string
  agentName: string
  /** Not before this may it be offered (again). */
  availableAt: Date
  offeredAt: Date | null
  startedAt: Date | null
  finishedAt: Date | null
  exitCode: number | null
  reason: Reason | null
  cancelRequested: boolean
  /** Bytes of log, as was last told: what grows is told again when it is whole. Storing them is another part's. */
  logSize: number
  logComplete: boolean
  /** How much it told people when it ended; null: nothing. */
  report: ReportCounts | null
  /** What it ran in, once it has ended; null: no container. */
  image: JobImage | null
}

export type RunEvent =
  | { type: 'started' }
  /** The claim: the queued job goes to an agent that has a slot for it, under the next epoch, and its workspace with it. */
  | { type: 'jobOffered'; jobId: string; agentId: string; agentName: string }
  | { type: 'jobAccepted'; jobId: string; epoch: number }
  | { type: 'jobStarted'; jobId: string; epoch: number; at?: Date }
  | ({ type: 'jobFinished'; jobId: string; epoch: number } & JobResult)
  /** It does not run under this epoch and never will: the agent refused it or does not have it. The job is queued again. */
  | { type: 'jobRejected'; jobId: string; epoch: number; reason: string }
  | { type: 'jobLost'; jobId: string; epoch: number }
  /** Nothing is heard of its agent: since when, and when it counts as lost. */
  | { type: 'jobSilent'; jobId: string; epoch: number; since: Date; lostAt: Date }
  /** Its agent is back. */
  | { type: 'jobHeard'; jobId: string; epoch: number }
  /** The agent that has the job, or the workspace it is queued for, was deleted. */
  | { type: 'jobStranded'; jobId: string; agentId: string; agentName: string }
  /** The whole log is stored. What was told before is told again: whoever tells it may not know. */
  | { type: 'jobLogged'; jobId: string; size: number }
  /** What a queued job waits for, as the dispatcher sees it. */
  | { type: 'jobWaits'; jobId: string; reason: Reason }
  /** A controller does the work, under the next epoch. */
  | { type: 'workTaken'; jobId: string; epoch: number }
  | ({ type: 'workDone'; jobId: string; epoch: number } & JobResult)
  | { type: 'approvalDecided'; stepId: string; approvalId: string; vote: Vote }
  /** The run that a step has asked for has begun, cannot begin, or has ended. */
  | ({ type: 'childStarted'; stepId: string; childId: string } & ChildName)
  | { type: 'childRefused'; stepId: string; childId: string; why: Reason }
  | ({
      type: 'childEnded'
      stepId: string
      childId: string
      status: RunStatus
      outputs: Record<string, string>
    } & ChildName)
  | { type: 'cancelRequested'; by: string; byName: string }
  /** It has what it has asked for. `change`: of what is known of the asking, see LockChange. */
  | { type: 'lockGiven'; of: LockHolder; change: number }
  | { type: 'lockWaits'; of: LockHolder; change: number; want: LockWant; ahead: Ahead }
  /** Who comes first waits for this run to end. */
  | { type: 'lockRefused'; of: LockHolder; change: number; want: LockWant; by: Ahead }
  | { type: 'superseded'; of: LockHolder; change: number; want: LockWant; by: Ahead }
  | { type: 'timer' }

export interface ChildName {
  pipelineName: string
  number: number
}

/** A container image: its name as the step says it, and its digest. */
export interface JobImage {
  name: string
  digest: string
}

export interface JobResult {
  outcome: Outcome
  exitCode?: number
  /** A code of reasons.ts, when the agent knows it. */
  reasonCode?: string
  /** English. */
  reason?: string
  /** Why it failed, where the controller knows it. */
  why?: Reason
  outputs?: Record<string, string>
  startedAt?: Date
  finishedAt?: Date
  logSize?: number
  report?: JobReport
  image?: JobImage
  /** Variables and folders for PATH that later steps get. */
  exports?: Pick<Exports, 'env' | 'path'>
}

/** What the caller does after it has committed the changes. */
export type Effect =
  | { type: 'cancelJob'; jobId: string; agentId: string }
  | { type: 'jobQueued'; jobId: string }
  /** The controller has something to do, and nothing more about it. */
  | { type: 'workQueued' }
  /** A job has ended that wrote nothing. */
  | { type: 'logEnded'; jobId: string }
  | { type: 'workEnded'; jobId: string }
  | { type: 'wakeAt'; at: Date }
  | { type: 'runFinished' }

/**
 * What one event changed; the objects are the state's own. `stale`: the event speaks of an epoch that is over.
 * `unchanged`: a repetition, or nothing to do.
 */
export interface Changes {
  result: 'applied' | 'unchanged' | 'stale'
  runChanged: boolean
  steps: StepState[]
  /** Jobs that changed, without the new ones. */
  jobs: JobState[]
  newJobs: { job: JobState; spec: JobSpec }[]
  newWorks: { job: JobState; work: ControllerWork }[]
  approvals: ApprovalChange[]
  children: ChildChange[]
  reports: ReportChange[]
  locks: LockChange[]
  /** Workspaces that went to an agent, or from one, as `pins` says. */
  pins: string[]
  effects: Effect[]
  /** Edges and steps looked at; what the tests of linear cost count. */
  touched: number
}
