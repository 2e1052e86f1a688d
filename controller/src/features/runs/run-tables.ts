// The tables of runs as hand-written statements see them.
import { type Kysely, type RawBuilder, sql } from 'kysely'
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
  outputs: string | null
  status: number
  reason: string | null
  revision: number
  seq: number
  step_counts: string
  started_by: string
  author_mail: string
  origin: string
  variables: string | null
  environments: string | null
  priority: number
  rerun_of: string
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
  copy: string | null
  phase: string
  awaits: string | null
  status: number
  reason: string | null
  outputs: string
  exports: string | null
  failure_allowed: number
  reused: string | null
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
  untrusted: number
  capability: string
  workspace: string
  secrets: string
  spec: Uint8Array
  cancel_requested: number
  exit_code: number | null
  reason: string | null
  report: string | null
  image: string | null
  created_at: Time
  available_at: Time
  offered_at: Time | null
  started_at: Time | null
  finished_at: Time | null
  log_size: number
  log_complete: number
}

/** What the controller has to do: see work.entity.ts. */
export interface WorkRow {
  job_id: string
  run_id: string
  kind: string
  request: string
  secret_mark: string
  epoch: number
  leased_until: Time | null
}

export interface RunTables {
  run: RunRow
  run_counter: { pipeline_id: string; last: number }
  run_graph: { hash: string; data: Uint8Array }
  run_step: StepRow
  run_event: { run_id: string; seq: number; data: Uint8Array }
  job: JobRow
  work: WorkRow
  workspace_pin: { run_id: string; workspace: string; agent_id: string; folder_run_id: string | null }
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

/** What a run is besides the engine's state. */
export interface RunBelongings {
  organizationId: string
  rerunOf: string
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
