// Writes what a batch changed, all runs of it, in few statements: conditional updates, multi-row inserts, no entities.
import { JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { WatchRunResponseSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal, JobStatus, StepStatus } from '@ansflow/proto/status'
import { create, toBinary } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type Kysely, sql } from 'kysely'
import type { JobState, StepState } from '../../engine/state.ts'
import { presentHead, presentStep } from './present-run.ts'
import { jobHeadRow, newJobRow, newRunRow, type RunTables, runHeadRow, stepRow, type Times } from './run-tables.ts'
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

export async function writeRuns(to: Writing, works: RunWork[], started: RunWork[]): Promise<void> {
  for (const work of works) await updateHead(to, work)
  for (const work of works) await updateJobs(to, work)
  const all = [...started, ...works]
  await insertRows(
    to,
    'run',
    started.map(({ run }) => newRunRow(run.state, run.origin, to.times)),
    40,
  )
  await insertRows(
    to,
    'job',
    all.flatMap((work) => newJobRows(to, work)),
    40,
  )
  await upsertSteps(to, all)
  await insertRows(
    to,
    'run_event',
    all.map((work) => eventRow(to, work)),
    100,
  )
  for (const work of works) await unpin(to, work)
}

async function updateHead({ db, times }: Writing, { run }: RunWork): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('run')
    .set({ ...runHeadRow(run.state, times), revision: run.revision + 1, seq: run.seq + 1 })
    .where('id', '=', run.state.meta.runId)
    .where('revision', '=', run.revision)
    .executeTakeFirst()
  if (numUpdatedRows !== 1n) throw new LostRace(`run ${run.state.meta.runId} has another revision`)
}

/** Jobs that change in the same way, such as all queued ones of a canceled run, go in one statement. */
async function updateJobs({ db, times }: Writing, { run, jobs }: RunWork): Promise<void> {
  const groups = new Map<string, JobState[]>()
  for (const job of jobs) {
    const key = JSON.stringify([run.jobRows.get(job.id), jobHeadRow(job, times)])
    const group = groups.get(key)
    if (group) group.push(job)
    else groups.set(key, [job])
  }
  for (const group of groups.values()) {
    const was = run.jobRows.get(group[0]!.id)
    if (!was) throw new Error(`job ${group[0]!.id} was never stored`)
    for (const part of chunks(group, 500)) {
      const { numUpdatedRows } = await db
        .updateTable('job')
        .set(jobHeadRow(part[0]!, times))
        .where(
          'id',
          'in',
          part.map(({ id }) => id),
        )
        .where('epoch', '=', was.epoch)
        .where('status', '=', was.status)
        .executeTakeFirst()
      if (numUpdatedRows !== BigInt(part.length)) throw new LostRace(`jobs of run ${run.state.meta.runId} have changed`)
    }
  }
}

function newJobRows({ times }: Writing, { run, newJobs }: RunWork): RunTables['job'][] {
  return [...newJobs].map(([job, spec]) => newJobRow(job, toBinary(JobSpecSchema, spec), run.state, run.origin, times))
}

const stepColumns = [
  ...(['status', 'reason', 'outputs', 'failure_allowed'] as const),
  ...(['queued_at', 'started_at', 'finished_at', 'due_at'] as const),
]

async function upsertSteps({ db, dialect, times }: Writing, works: RunWork[]): Promise<void> {
  const rows = works.flatMap(({ run, steps }) =>
    [...steps]
      .filter((step) => step.status !== StepStatus.BLOCKED)
      .map((step) => stepRow(run.state.meta.runId, step, times)),
  )
  for (const part of chunks(rows, 50)) {
    const insert = db.insertInto('run_step').values(part)
    if (dialect === 'sqlite') {
      const set = Object.fromEntries(stepColumns.map((column) => [column, sql.ref(`excluded.${column}`)]))
      await insert.onConflict((conflict) => conflict.columns(['run_id', 'step_id']).doUpdateSet(set)).execute()
    } else {
      const set = Object.fromEntries(stepColumns.map((column) => [column, sql`values(${sql.ref(column)})`]))
      await insert.onDuplicateKeyUpdate(set).execute()
    }
  }
}

function eventRow({ now }: Writing, work: RunWork): RunTables['run_event'] {
  const { state, origin } = work.run
  const seq = work.run.seq + 1
  const message = create(WatchRunResponseSchema, {
    seq,
    at: timestampFromDate(now),
    run: presentHead(state, origin, seq),
    steps: inOrder(work.steps).map(presentStep),
  })
  return { run_id: state.meta.runId, seq, data: toBinary(WatchRunResponseSchema, message) }
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

async function insertRows<T extends 'run' | 'job' | 'run_event'>(
  { db }: Writing,
  table: T,
  rows: RunTables[T][],
  most: number,
): Promise<void> {
  for (const part of chunks(rows, most)) {
    await (db as unknown as Kysely<Record<string, Record<string, unknown>>>)
      .insertInto(table)
      .values(part as unknown as Record<string, unknown>[])
      .execute()
  }
}

function* chunks<T>(rows: T[], size: number): Generator<T[]> {
  for (let i = 0; i < rows.length; i += size) yield rows.slice(i, i + size)
}

/** After the commit: the loaded run is what the rows are now. */
export function noteWritten({ run, jobs, newJobs }: RunWork): void {
  run.revision++
  run.seq++
  for (const { id, epoch, status } of jobs) run.jobRows.set(id, { epoch, status })
  for (const { id, epoch, status } of newJobs.keys()) run.jobRows.set(id, { epoch, status })
}
