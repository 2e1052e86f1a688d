// Puts a run's state together from its rows.

import { restoreRun } from '@ansflow/engine/plan'
import type { RunState } from '@ansflow/engine/state'
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JobStatus } from '@ansflow/proto/status'
import type { Kysely } from 'kysely'
import { uuidv7 } from '../../../platform/ids.ts'
import { reading } from '../../../platform/message-pieces.ts'
import { inTurns, nextTurn } from '../../../platform/turns.ts'
import { runBelongings, runHead, runInputs, runMeta, storedJob, storedStep } from '../run-rows.ts'
import type { RunBelongings, RunTables, StepRow, Times } from '../run-tables.ts'

export interface LoadedRun {
  state: RunState
  belongs: RunBelongings
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
  'report',
  'image',
  'created_at',
  'available_at',
  'offered_at',
  'started_at',
  'finished_at',
  'log_size',
  'log_complete',
] as const

/**
 * Undefined: there is no such run. Outside a transaction the rows may be of several moments: the revision tells on commit.
 * A large run is read in turns of the event loop.
 */
export async function loadRun(db: Kysely<RunTables>, times: Times, runId: string): Promise<LoadedRun | undefined> {
  const row = await db.selectFrom('run').selectAll().where('id', '=', runId).executeTakeFirst()
  if (!row) return undefined
  const graph = await loadGraph(db, row.graph_hash)
  const steps: ReturnType<typeof storedStep>[] = []
  const jobs: ReturnType<typeof storedJob>[] = []
  for await (const page of pagesOf(db, runId)) {
    steps.push(...page.steps.map((step) => storedStep(step, times)))
    jobs.push(...page.jobs.map((job) => storedJob(job, times)))
  }
  const pinned = await db.selectFrom('workspace_pin').selectAll().where('run_id', '=', runId).execute()
  const pins = pinned.map(({ workspace, agent_id }) => [workspace, agent_id] as const)
  const inherited = pinned.flatMap(({ workspace, folder_run_id: runId }) =>
    runId ? [[workspace, runId] as const] : [],
  )
  const stored = { head: runHead(row, times), steps, jobs, pins, inherited }
  const createdAt = times.from(row.created_at)!
  return {
    state: await inTurns(restoreRun(graph, runInputs(row), runMeta(row, uuidv7), stored, createdAt)),
    belongs: runBelongings(row),
    revision: row.revision,
    seq: row.seq,
    jobRows: new Map(jobs.map(({ id, epoch, status }) => [id, { epoch, status }])),
  }
}

const onePage = 500

/** A run's steps, some at a time, with the jobs of each. */
async function* pagesOf(db: Kysely<RunTables>, runId: string) {
  for (let last: string | undefined = ''; last !== undefined; ) {
    const steps: StepRow[] = await db
      .selectFrom('run_step')
      .selectAll()
      .where('run_id', '=', runId)
      .where('step_id', '>', last)
      .orderBy('step_id')
      .limit(onePage)
      .execute()
    const to = steps.at(-1)?.step_id
    if (to === undefined) return
    const jobs = await db
      .selectFrom('job')
      .select(jobColumns)
      .where('run_id', '=', runId)
      .where('step_id', '>', last)
      .where('step_id', '<=', to)
      .execute()
    yield { steps, jobs }
    last = steps.length < onePage ? undefined : to
    if (last !== undefined) await nextTurn()
  }
}

export async function loadGraph(db: Kysely<RunTables>, hash: string): Promise<PipelineGraph> {
  const row = await db.selectFrom('run_graph').select('data').where('hash', '=', hash).executeTakeFirstOrThrow()
  return inTurns(reading(PipelineGraphSchema, row.data))
}
