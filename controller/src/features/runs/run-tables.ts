// The rows of runs, steps and jobs as the driver's statements see them, and their mapping to the engine's state.
import type { JsonObject } from '@bufbuild/protobuf'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Reason } from '../../engine/reasons.ts'
import type { JobState, RunMeta, RunState, StepState } from '../../engine/state.ts'
import type { Db, EntityManager } from '../../platform/db.ts'

/** A time as the dialect gives and takes it: see Db.toColumn and Db.fromColumn. */
export type Time = number | string

export interface RunRow {
  id: string
  number: number
  organization_id: string
  project_id: string
  project_slug: string
  pipeline_id: string
  pipeline_name: string
  version: number
  graph_hash: string
  inputs: string
  status: number
  reason: string | null
  revision: number
  seq: number
  step_counts: string
  started_by: string
  started_by_name: string
  rerun_of: string
  idempotency_key: string | null
  cancel_level: number
  cancel_cause: string | null
  canceled_by: string
  canceled_by_name: string
  cancel_requested_at: Time | null
  created_at: Time
  started_at: Time | null
  finished_at: Time | null
  deadline: Time | null
  wake_at: Time | null
}

export interface StepRow {
  run_id: string
  step_id: string
  status: number
  reason: string | null
  outputs: string
  failure_allowed: number
  queued_at: Time | null
  started_at: Time | null
  finished_at: Time | null
  due_at: Time | null
}

export interface JobRow {
  id: string
  run_id: string
  organization_id: string
  project_id: string
  step_id: string
  attempt: number
  epoch: number
  status: number
  priority: number
  agent_id: string | null
  agent_name: string
  labels: string
  capability: string
  workspace: string
  secrets: string
  spec: Uint8Array
  cancel_requested: number
  exit_code: number | null
  reason: string | null
  created_at: Time
  available_at: Time
  offered_at: Time | null
  started_at: Time | null
  finished_at: Time | null
  log_size: number
  log_complete: number
}

export interface RunTables {
  run: RunRow
  run_counter: { pipeline_id: string; last: number }
  run_graph: { hash: string; data: Uint8Array }
  run_step: StepRow
  run_event: { run_id: string; seq: number; data: Uint8Array }
  job: JobRow
  workspace_pin: { run_id: string; workspace: string; agent_id: string }
}

export function tables(em: EntityManager): Kysely<RunTables> {
  return em.getKysely<RunTables>()
}

/** The database's clock: offers are compared with nothing else, whatever the controllers' clocks say. */
export function databaseNow(dialect: Db['dialect'], secondsAgo = 0): RawBuilder<Time> {
  return dialect === 'sqlite'
    ? sql<Time>`cast((unixepoch('subsec') - ${sql.lit(secondsAgo)}) * 1000 as integer)`
    : sql<Time>`utc_timestamp(3) - interval ${sql.lit(secondsAgo)} second`
}

/** What a run is besides the engine's state: where it belongs and who started it. */
export interface RunOrigin {
  organizationId: string
  startedBy: string
  rerunOf: string
  idempotencyKey: string | null
  graphHash: string
}

/** Times between columns and dates, nulls included. */
export interface Times {
  to(at: Date): Time
  to(at: Date | null): Time | null
  from(value: Time | null): Date | null
}

export function timesOf(db: Db): Times {
  return {
    to: ((at: Date | null) => (at ? db.toColumn(at) : null)) as Times['to'],
    from: (value) => (value === null ? null : db.fromColumn(value)),
  }
}

function json(reason: Reason | null): string | null {
  return reason ? JSON.stringify(reason) : null
}

function parseReason(text: string | null): Reason | null {
  return text ? (JSON.parse(text) as Reason) : null
}

export type RunHeadRow = ReturnType<typeof runHeadRow>

/** The columns that a commit may change. */
export const runHeadColumns = [
  'status',
  'reason',
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
    step_counts: JSON.stringify(state.counts),
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

export function newRunRow(state: RunState, origin: RunOrigin, times: Times): RunRow {
  const { meta } = state
  return {
    id: meta.runId,
    number: meta.number,
    organization_id: origin.organizationId,
    project_id: meta.projectId,
    project_slug: meta.projectSlug,
    pipeline_id: meta.pipelineId,
    pipeline_name: meta.pipelineName,
    version: meta.version,
    graph_hash: origin.graphHash,
    inputs: JSON.stringify(state.inputs),
    revision: 1,
    seq: 1,
    started_by: origin.startedBy,
    started_by_name: meta.startedByName,
    rerun_of: origin.rerunOf,
    idempotency_key: origin.idempotencyKey,
    created_at: times.to(state.createdAt),
    ...runHeadRow(state, times),
  }
}

export function runHead(row: RunRow, times: Times): Partial<RunState> {
  return {
    status: row.status,
    reason: parseReason(row.reason),
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
    startedByName: row.started_by_name,
    newId,
  }
}

export function runOrigin(row: RunRow): RunOrigin {
  return {
    organizationId: row.organization_id,
    startedBy: row.started_by,
    rerunOf: row.rerun_of,
    idempotencyKey: row.idempotency_key,
    graphHash: row.graph_hash,
  }
}

export function runInputs(row: RunRow): JsonObject {
  return JSON.parse(row.inputs) as JsonObject
}

export function stepRow(runId: string, step: StepState, times: Times): StepRow {
  return {
    run_id: runId,
    step_id: step.definition.id,
    status: step.status,
    reason: json(step.reason),
    outputs: JSON.stringify(step.outputs),
    failure_allowed: step.failureAllowed ? 1 : 0,
    queued_at: times.to(step.queuedAt),
    started_at: times.to(step.startedAt),
    finished_at: times.to(step.finishedAt),
    due_at: times.to(step.dueAt),
  }
}

export function storedStep(row: StepRow, times: Times) {
  return {
    id: row.step_id,
    status: row.status,
    reason: parseReason(row.reason),
    outputs: JSON.parse(row.outputs) as Record<string, string>,
    failureAllowed: Boolean(row.failure_allowed),
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
  'available_at',
  'started_at',
  'finished_at',
] as const satisfies (keyof JobHeadRow)[]

/** The columns of a job that a commit may change. Its log's belong to the logs feature, when it was offered to the claim. */
export function jobHeadRow(job: JobState, times: Times) {
  return {
    epoch: job.epoch,
    status: job.status,
    agent_id: job.agentId || null,
    agent_name: job.agentName,
    cancel_requested: job.cancelRequested ? 1 : 0,
    exit_code: job.exitCode,
    reason: json(job.reason),
    available_at: times.to(job.availableAt),
    started_at: times.to(job.startedAt),
    finished_at: times.to(job.finishedAt),
  }
}

export function newJobRow(job: JobState, spec: Uint8Array, state: RunState, origin: RunOrigin, times: Times): JobRow {
  return {
    id: job.id,
    run_id: state.meta.runId,
    organization_id: origin.organizationId,
    project_id: state.meta.projectId,
    step_id: job.step.definition.id,
    attempt: job.attempt,
    priority: 0,
    labels: JSON.stringify(job.labels),
    capability: job.capability,
    workspace: job.workspace,
    secrets: JSON.stringify(job.secrets),
    spec,
    created_at: times.to(job.createdAt),
    offered_at: null,
    log_size: 0,
    log_complete: 0,
    ...jobHeadRow(job, times),
  }
}

export function storedJob(row: Omit<JobRow, 'spec'>, times: Times) {
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
  }
}
