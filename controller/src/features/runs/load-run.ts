// Puts a run's state together from its rows.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JobStatus } from '@ansflow/proto/status'
import { fromBinary } from '@bufbuild/protobuf'
import type { Kysely } from 'kysely'
import { restoreRun } from '../../engine/plan.ts'
import type { RunState } from '../../engine/state.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { runHead, runInputs, runMeta, runOrigin, storedJob, storedStep } from './run-rows.ts'
import type { RunOrigin, RunRow, RunTables, Times } from './run-tables.ts'

export interface LoadedRun {
  state: RunState
  origin: RunOrigin
  revision: number
  seq: number
  /** What the rows of unfinished jobs hold, for conditional updates. */
  jobRows: Map<string, { epoch: number; status: JobStatus }>
}

export const jobColumns = [
  'id',
  'run_id',
  'organization_id',
  'project_id',
  'step_id',
  'attempt',
  'epoch',
  'status',
  'priority',
  'agent_id',
  'agent_name',
  'labels',
  'capability',
  'workspace',
  'secrets',
  'cancel_requested',
  'exit_code',
  'reason',
  'created_at',
  'available_at',
  'offered_at',
  'started_at',
  'finished_at',
  'log_size',
  'log_complete',
] as const

/** Undefined: there is no such run. Outside a transaction the rows may be of two moments; the revision tells on commit. */
export async function loadRun(db: Kysely<RunTables>, times: Times, runId: string): Promise<LoadedRun | undefined> {
  const row = await db.selectFrom('run').selectAll().where('id', '=', runId).executeTakeFirst()
  if (!row) return undefined
  const graph = await loadGraph(db, row.graph_hash)
  const steps = await db.selectFrom('run_step').selectAll().where('run_id', '=', runId).execute()
  const jobs = await db.selectFrom('job').select(jobColumns).where('run_id', '=', runId).execute()
  return loaded(
    row,
    graph,
    steps.map((step) => storedStep(step, times)),
    jobs.map((job) => storedJob(job, times)),
    times,
  )
}

function loaded(
  row: RunRow,
  graph: PipelineGraph,
  steps: ReturnType<typeof storedStep>[],
  jobs: ReturnType<typeof storedJob>[],
  times: Times,
): LoadedRun {
  const stored = { head: runHead(row, times), steps, jobs }
  return {
    state: restoreRun(graph, runInputs(row), runMeta(row, uuidv7), stored, times.from(row.created_at)!),
    origin: runOrigin(row),
    revision: row.revision,
    seq: row.seq,
    jobRows: new Map(jobs.map(({ id, epoch, status }) => [id, { epoch, status }])),
  }
}

export async function loadGraph(db: Kysely<RunTables>, hash: string): Promise<PipelineGraph> {
  const row = await db.selectFrom('run_graph').select('data').where('hash', '=', hash).executeTakeFirstOrThrow()
  return fromBinary(PipelineGraphSchema, row.data)
}
