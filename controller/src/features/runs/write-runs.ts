// Writes what a batch changed, all runs of it, in few statements: conditional updates, multi-row inserts, no entities.

import type { StepState } from '@ansflow/engine/state'
import { JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { WatchRunResponseSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { each, type Pieces } from '@ansflow/proto/pieces'
import { isTerminal, JobStatus, StepStatus } from '@ansflow/proto/status'
import { create, toBinary } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type Kysely, sql } from 'kysely'
import { insertion, statement } from '../../platform/statement.ts'
import { presentHead, presentStep } from './present-run.ts'
import {
  type JobHeadRow,
  jobHeadColumns,
  jobHeadRow,
  newJobRow,
  newRunRow,
  type RunHeadRow,
  runHeadColumns,
  runHeadRow,
  stepRow,
} from './run-rows.ts'
import type { RunTables, Times } from './run-tables.ts'
import type { RunWork } from './run-work.ts'

/** Another controller, or a claim, changed a row first: load again and decide again. */
export class LostRace extends Error {
  override readonly name = 'LostRace'
}

export interface Writing {
  db: Kysely<RunTables>
  dialect: 'sqlite' | 'mysql'
  times: Times
  now: Date
}

/** Rows that follow from the work alone, made before the transaction begins: in it others wait. */
export interface RunRows {
  jobs: RunTables['job'][]
  /** Jobs that change in the same way, such as all queued ones of a canceled run. */
  changedJobs: { values: JobChange; ids: string[] }[]
  steps: RunTables['run_step'][]
  events: RunTables['run_event'][]
}

export function* rowsOf({ times, now }: Pick<Writing, 'times' | 'now'>, work: RunWork): Pieces<RunRows> {
  const { run, newJobs } = work
  return {
    jobs: yield* each([...newJobs], ([job, spec]) =>
      newJobRow(job, toBinary(JobSpecSchema, spec), run.state, run.origin, times),
    ),
    changedJobs: yield* changesOfJobs(times, work),
    steps: yield* stepRows(times, work),
    events: yield* eventRows(now, work),
  }
}

/** Of works that have their rows. */
export async function writeRuns(to: Writing, works: RunWork[], started: RunWork[]): Promise<void> {
  for (const work of works) await updateHead(to, work)
  for (const work of works) await updateJobs(to, work)
  const all = [...started, ...works]
  await insertRuns(
    to.db,
    started.map((work) => newRunRow(work.run.state, work.run.origin, eventCount(work), to.times)),
  )
  await insertJobs(
    to.db,
    all.flatMap(({ rows }) => rows!.jobs),
  )
  await putSteps[to.dialect](
    to.db,
    all.flatMap(({ rows }) => rows!.steps),
  )
  await insertEvents(
    to.db,
    all.flatMap(({ rows }) => rows!.events),
  )
  for (const work of works) await unpin(to, work)
}

const insertRuns = insertion<RunTables, 'run'>('run')
const insertJobs = insertion<RunTables, 'job'>('job')
const insertEvents = insertion<RunTables, 'run_event'>('run_event')

async function updateHead({ db, times }: Writing, work: RunWork): Promise<void> {
  const { run } = work
  const changed = await headUpdate.changed(db, {
    ...runHeadRow(run.state, times),
    id: run.state.meta.runId,
    was: run.revision,
    revision: run.revision + 1,
    seq: run.seq + eventCount(work),
  })
  if (changed !== 1n) throw new LostRace(`run ${run.state.meta.runId} has another revision`)
}

const headUpdate = statement<RunTables, RunHeadRow & { id: string; was: number; revision: number; seq: number }>()(
  (db, values) =>
    db
      .updateTable('run')
      .set({ ...columnsOf(runHeadColumns, values), revision: values.revision, seq: values.seq })
      .where('id', '=', values.id)
      .where('revision', '=', values.was),
)

function* changesOfJobs(times: Times, { run, jobs }: RunWork): Pieces<RunRows['changedJobs']> {
  const groups = new Map<string, RunRows['changedJobs'][number]>()
  for (const job of jobs) {
    const was = run.jobRows.get(job.id)
    if (!was) throw new Error(`job ${job.id} was never stored`)
    const values = { ...jobHeadRow(job, times), wasEpoch: was.epoch, wasStatus: was.status }
    const key = jobs.size === 1 ? '' : JSON.stringify(values)
    const group = groups.get(key)
    if (group) group.ids.push(job.id)
    else groups.set(key, { values, ids: [job.id] })
    yield
  }
  return [...groups.values()]
}

async function updateJobs({ db }: Writing, { run, rows }: RunWork): Promise<void> {
  for (const { values, ids } of rows!.changedJobs) {
    for (const part of chunks(ids, 500)) {
      const changed = await (part.length === 1
        ? jobUpdate.changed(db, { ...values, id: part[0]! })
        : updateOf(db, values)
            .where('id', 'in', part)
            .executeTakeFirst()
            .then(({ numUpdatedRows }) => numUpdatedRows))
      if (changed !== BigInt(part.length)) throw new LostRace(`jobs of run ${run.state.meta.runId} have changed`)
    }
  }
}

type JobChange = JobHeadRow & { wasEpoch: number; wasStatus: number }

function updateOf(db: Kysely<RunTables>, values: JobChange) {
  return db
    .updateTable('job')
    .set(columnsOf(jobHeadColumns, values))
    .where('epoch', '=', values.wasEpoch)
    .where('status', '=', values.wasStatus)
}

const jobUpdate = statement<RunTables, JobChange & { id: string }>()((db, values) =>
  updateOf(db, values).where('id', '=', values.id),
)

function columnsOf<Row extends object, Column extends keyof Row>(
  columns: readonly Column[],
  row: Row,
): Pick<Row, Column> {
  return Object.fromEntries(columns.map((column) => [column, row[column]])) as Pick<Row, Column>
}

const stepColumns = [
  ...(['status', 'reason', 'outputs', 'failure_allowed'] as const),
  ...(['queued_at', 'started_at', 'finished_at', 'due_at'] as const),
]

function* stepRows(times: Times, { run, steps }: RunWork): Pieces<RunRows['steps']> {
  const begun = [...steps].filter(({ status }) => status !== StepStatus.BLOCKED)
  return yield* each(begun, (step) => stepRow(run.state.meta.runId, step, times))
}

const putSteps = {
  sqlite: insertion<RunTables, 'run_step'>('run_step', (insert) =>
    insert.onConflict((conflict) =>
      conflict
        .columns(['run_id', 'step_id'])
        .doUpdateSet(Object.fromEntries(stepColumns.map((column) => [column, sql.ref(`excluded.${column}`)]))),
    ),
  ),
  mysql: insertion<RunTables, 'run_step'>('run_step', (insert) =>
    insert.onDuplicateKeyUpdate(
      Object.fromEntries(stepColumns.map((column) => [column, sql`values(${sql.ref(column)})`])),
    ),
  ),
}

/** Whoever reads one event reads no more than this, however large the run is. */
const stepsOfAnEvent = 200

function eventCount({ steps }: RunWork): number {
  return Math.max(1, Math.ceil(steps.size / stepsOfAnEvent))
}

/** What one commit changed, in as many events as it needs. */
function* eventRows(now: Date, work: RunWork): Pieces<RunRows['events']> {
  const { state, origin, seq: before } = work.run
  const steps = inOrder(work.steps)
  const rows: RunRows['events'] = []
  for (let index = 0; index < eventCount(work); index += 1) {
    const seq = before + 1 + index
    const message = create(WatchRunResponseSchema, {
      seq,
      at: timestampFromDate(now),
      run: presentHead(state, origin, seq),
      steps: steps.slice(index * stepsOfAnEvent, (index + 1) * stepsOfAnEvent).map(presentStep),
    })
    rows.push({ run_id: state.meta.runId, seq, data: toBinary(WatchRunResponseSchema, message) })
    yield
  }
  return rows
}

function inOrder(steps: Iterable<StepState>): StepState[] {
  return [...steps].sort((a, b) => a.index - b.index)
}

async function unpin({ db }: Writing, { run, unpinned }: RunWork): Promise<void> {
  const { runId } = run.state.meta
  if (isTerminal(run.state.status)) {
    await db.deleteFrom('workspace_pin').where('run_id', '=', runId).execute()
    return
  }
  for (const workspace of unpinned) {
    await db
      .deleteFrom('workspace_pin')
      .where('run_id', '=', runId)
      .where('workspace', '=', workspace)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('job')
              .select('job.id')
              .where('job.run_id', '=', runId)
              .where('job.workspace', '=', workspace)
              .where('job.status', 'in', [JobStatus.OFFERED, JobStatus.ACCEPTED, JobStatus.RUNNING]),
          ),
        ),
      )
      .execute()
  }
}

function* chunks<T>(rows: T[], size: number): Generator<T[]> {
  for (let i = 0; i < rows.length; i += size) yield rows.slice(i, i + size)
}

/** After the commit: the loaded run is what the rows are now. */
export function noteWritten(work: RunWork): void {
  const { run, jobs, newJobs } = work
  run.revision++
  run.seq += eventCount(work)
  for (const { id, epoch, status } of jobs) run.jobRows.set(id, { epoch, status })
  for (const { id, epoch, status } of newJobs.keys()) run.jobRows.set(id, { epoch, status })
}
