// Between the rows of runs, steps and jobs and the engine's state.

import type { StoredCopy } from '@ansflow/engine/plan'
import type { Awaited, JobState, ReusedFrom, RunMeta, RunState, StepPhase, StepState } from '@ansflow/engine/state'
import type { ControllerWork } from '@ansflow/engine/work'
import { type RunOrigin, RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { Reason } from '@ansflow/proto/reasons'
import { StepStatus } from '@ansflow/proto/status'
import { authorMailOf, starterOf } from '@ansflow/proto/triggers/run-origin'
import { fromJsonString, type JsonObject, toJsonString } from '@bufbuild/protobuf'
import type { JobRow, RunBelongings, RunRow, StepRow, Times, WorkRow } from './run-tables.ts'

function json(reason: Reason | null): string | null {
  return reason ? JSON.stringify(reason) : null
}

function parseReason(text: string | null): Reason | null {
  return text ? (JSON.parse(text) as Reason) : null
}

/** Steps by status, and how many of the failed ones may fail. */
export interface StepTally {
  counts: readonly number[]
  allowed: number
}

export function tallyOf({ counts, failures }: RunState): StepTally {
  return { counts, allowed: counts[StepStatus.FAILED]! - failures }
}

export function parseTally(text: string): StepTally {
  const tally = JSON.parse(text) as StepTally | number[]
  // Rows of before it told what may fail.
  return Array.isArray(tally) ? { counts: tally, allowed: 0 } : tally
}

export type RunHeadRow = ReturnType<typeof runHeadRow>

/** The columns that a commit may change. */
export const runHeadColumns = [
  'status',
  'reason',
  'outputs',
  'step_counts',
  'cancel_level',
  'cancel_cause',
  'canceled_by',
  'canceled_by_name',
  'cancel_requested_at',
  'started_at',
  'finished_at',
  'deadline',
  'wake_at',
] as const satisfies (keyof RunHeadRow)[]

export function runHeadRow(state: RunState, times: Times) {
  return {
    status: state.status,
    reason: json(state.reason),
    outputs: Object.keys(state.outputs).length > 0 ? JSON.stringify(state.outputs) : null,
    step_counts: JSON.stringify(tallyOf(state)),
    cancel_level: state.cancelLevel,
    cancel_cause: state.cancelCause,
    canceled_by: state.canceledBy,
    canceled_by_name: state.canceledByName,
    cancel_requested_at: times.to(state.cancelRequestedAt),
    started_at: times.to(state.startedAt),
    finished_at: times.to(state.finishedAt),
    deadline: times.to(state.deadline),
    wake_at: times.to(state.wakeAt),
  }
}

export function newRunRow(state: RunState, belongs: RunBelongings, seq: number, times: Times): RunRow {
  const { meta } = state
  return {
    id: meta.runId,
    number: meta.number,
    organization_id: belongs.organizationId,
    project_id: meta.projectId,
    project_slug: meta.projectSlug,
    pipeline_id: meta.pipelineId,
    pipeline_name: meta.pipelineName,
    version: meta.version,
    graph_hash: belongs.graphHash,
    inputs: JSON.stringify(state.inputs),
    revision: 1,
    seq,
    started_by: starterOf(meta.origin).userId,
    author_mail: authorMailOf(meta.origin),
    origin: toJsonString(RunOriginSchema, meta.origin),
    variables: meta.variables.length > 0 ? JSON.stringify(meta.variables) : null,
    environments: meta.environments.length > 0 ? JSON.stringify(meta.environments) : null,
    priority: meta.priority,
    rerun_of: belongs.rerunOf,
    created_at: times.to(state.createdAt),
    ...runHeadRow(state, times),
  }
}

export function runHead(row: RunRow, times: Times): Partial<RunState> {
  return {
    status: row.status,
    reason: parseReason(row.reason),
    outputs: row.outputs ? (JSON.parse(row.outputs) as Record<string, string>) : {},
    cancelLevel: row.cancel_level as RunState['cancelLevel'],
    cancelCause: row.cancel_cause as RunState['cancelCause'],
    canceledBy: row.canceled_by,
    canceledByName: row.canceled_by_name,
    cancelRequestedAt: times.from(row.cancel_requested_at),
    startedAt: times.from(row.started_at),
    finishedAt: times.from(row.finished_at),
    deadline: times.from(row.deadline),
    wakeAt: times.from(row.wake_at),
  }
}

export function runMeta(row: RunRow, newId: () => string): RunMeta {
  return {
    runId: row.id,
    number: row.number,
    pipelineId: row.pipeline_id,
    pipelineName: row.pipeline_name,
    projectId: row.project_id,
    projectSlug: row.project_slug,
    version: row.version,
    priority: row.priority,
    origin: parseOrigin(row.origin),
    variables: row.variables ? (JSON.parse(row.variables) as RunMeta['variables']) : [],
    environments: row.environments ? (JSON.parse(row.environments) as RunMeta['environments']) : [],
    newId,
  }
}

/** What a later version has added to it is left out. */
export function parseOrigin(text: string): RunOrigin {
  return fromJsonString(RunOriginSchema, text, { ignoreUnknownFields: true })
}

export function runBelongings(row: RunRow): RunBelongings {
  return { organizationId: row.organization_id, rerunOf: row.rerun_of, graphHash: row.graph_hash }
}

export function runInputs(row: RunRow): JsonObject {
  return JSON.parse(row.inputs) as JsonObject
}

export function stepRow(runId: string, step: StepState, times: Times): StepRow {
  return {
    run_id: runId,
    step_id: step.id,
    copy: step.group ? JSON.stringify(copyOf(step, step.group)) : null,
    phase: step.phase,
    awaits: step.awaits ? JSON.stringify(step.awaits) : null,
    status: step.status,
    reason: json(step.reason),
    outputs: JSON.stringify(step.outputs),
    exports: step.exports ? JSON.stringify(step.exports) : null,
    failure_allowed: step.failureAllowed ? 1 : 0,
    reused: step.reused ? JSON.stringify(step.reused) : null,
    queued_at: times.to(step.queuedAt),
    started_at: times.to(step.startedAt),
    finished_at: times.to(step.finishedAt),
    due_at: times.to(step.dueAt),
  }
}

function copyOf({ matrix, copyIndex }: StepState, group: StepState): StoredCopy {
  return { of: group.id, index: copyIndex, values: matrix! }
}

export function storedStep(row: StepRow, times: Times) {
  return {
    id: row.step_id,
    copy: row.copy ? (JSON.parse(row.copy) as StoredCopy) : null,
    phase: row.phase as StepPhase,
    awaits: row.awaits ? (JSON.parse(row.awaits) as Awaited) : null,
    status: row.status,
    reason: parseReason(row.reason),
    outputs: JSON.parse(row.outputs) as Record<string, string>,
    exports: row.exports ? (JSON.parse(row.exports) as StepState['exports']) : null,
    failureAllowed: Boolean(row.failure_allowed),
    reused: row.reused ? (JSON.parse(row.reused) as ReusedFrom) : null,
    queuedAt: times.from(row.queued_at),
    startedAt: times.from(row.started_at),
    finishedAt: times.from(row.finished_at),
    dueAt: times.from(row.due_at),
  }
}

export type JobHeadRow = ReturnType<typeof jobHeadRow>

export const jobHeadColumns = [
  'epoch',
  'status',
  'agent_id',
  'agent_name',
  'cancel_requested',
  'exit_code',
  'reason',
  'report',
  'image',
  'available_at',
  'started_at',
  'finished_at',
] as const satisfies (keyof JobHeadRow)[]

/** The columns of a job that a commit may change, besides when it was offered. Its log's belong to the logs feature. */
export function jobHeadRow(job: JobState, times: Times) {
  return {
    epoch: job.epoch,
    status: job.status,
    agent_id: job.agentId || null,
    agent_name: job.agentName,
    cancel_requested: job.cancelRequested ? 1 : 0,
    exit_code: job.exitCode,
    reason: json(job.reason),
    report: job.report ? JSON.stringify(job.report) : null,
    image: job.image ? JSON.stringify(job.image) : null,
    available_at: times.to(job.availableAt),
    started_at: times.to(job.startedAt),
    finished_at: times.to(job.finishedAt),
  }
}

export function newJobRow(
  job: JobState,
  spec: Uint8Array,
  state: RunState,
  belongs: RunBelongings,
  times: Times,
): JobRow {
  return {
    id: job.id,
    run_id: state.meta.runId,
    organization_id: belongs.organizationId,
    project_id: state.meta.projectId,
    step_id: job.step.id,
    attempt: job.attempt,
    priority: state.meta.priority,
    labels: JSON.stringify(job.labels),
    untrusted: state.meta.origin.untrusted ? 1 : 0,
    capability: job.capability,
    workspace: job.workspace,
    secrets: JSON.stringify(job.secrets),
    spec,
    created_at: times.to(job.createdAt),
    offered_at: times.to(job.offeredAt),
    log_size: 0,
    log_complete: 0,
    ...jobHeadRow(job, times),
  }
}

export function newWorkRow(runId: string, job: JobState, { kind, request, secretMark }: ControllerWork): WorkRow {
  return {
    job_id: job.id,
    run_id: runId,
    kind,
    request: JSON.stringify(request),
    secret_mark: secretMark,
    epoch: 0,
    leased_until: null,
  }
}

export function storedJob(row: Omit<JobRow, 'spec' | 'untrusted'>, times: Times) {
  return {
    id: row.id,
    stepId: row.step_id,
    attempt: row.attempt,
    labels: JSON.parse(row.labels) as string[],
    capability: row.capability,
    workspace: row.workspace,
    secrets: JSON.parse(row.secrets) as JobState['secrets'],
    createdAt: times.from(row.created_at)!,
    epoch: row.epoch,
    status: row.status,
    agentId: row.agent_id ?? '',
    agentName: row.agent_name,
    availableAt: times.from(row.available_at)!,
    offeredAt: times.from(row.offered_at),
    startedAt: times.from(row.started_at),
    finishedAt: times.from(row.finished_at),
    exitCode: row.exit_code,
    reason: parseReason(row.reason),
    cancelRequested: Boolean(row.cancel_requested),
    logSize: Number(row.log_size),
    logComplete: Boolean(row.log_complete),
    image: row.image ? (JSON.parse(row.image) as JobState['image']) : null,
    report: row.report ? (JSON.parse(row.report) as JobState['report']) : null,
  }
}
