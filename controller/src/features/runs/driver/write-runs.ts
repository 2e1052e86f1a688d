// Writes what a batch changed, all runs of it, in few statements: conditional updates, multi-row inserts, no entities.

import { RerunRefused } from '@ansflow/engine/rerun'
import type { JobState, StepState } from '@ansflow/engine/state'
import { isControllerWork } from '@ansflow/engine/work'
import { JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type WatchRunResponse, WatchRunResponseSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { each, type Pieces } from '@ansflow/proto/pieces'
import { isTerminal, isTerminalJob, JobStatus } from '@ansflow/proto/status'
import { say } from '@ansflow/proto/texts/say'
import { create, toBinary } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type Kysely, sql } from 'kysely'
import { insertion, statement } from '../../../platform/statement.ts'
import { withoutFixed } from '../events/run-events.ts'
import { refusal } from '../rerun.ts'
import {
  type JobHeadRow,
  jobHeadColumns,
  jobHeadRow,
  newJobRow,
  newRunRow,
  newWorkRow,
  type RunHeadRow,
  runHeadColumns,
  runHeadRow,
  stepRow,
} from '../run-rows.ts'
import { databaseNow, type RunTables, type Times } from '../run-tables.ts'
import { presentHead, presentStep } from '../views/present-run.ts'
import { paced, type RunWork } from './run-work.ts'

/** Another controller changed the run first: load it again and decide again. */
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
  works: RunTables['work'][]
  /** Jobs of the controller's for which there is nothing to do any more. */
  endedWorks: string[]
  /** Jobs that change in the same way, such as all queued ones of a canceled run. */
  changedJobs: { values: JobChange; ids: string[] }[]
  steps: RunTables['run_step'][]
  events: RunTables['run_event'][]
  /** The same as messages, unless very many steps change: those are not kept in memory beside their rows. */
  told: WatchRunResponse[]
}

/** Of everything that was added to the work so far. */
export async function makeRows(to: Pick<Writing, 'times' | 'now'>, work: RunWork): Promise<void> {
  work.rows = await paced(work.steps.size, rowsOf(to, work))
}

function* rowsOf({ times, now }: Pick<Writing, 'times' | 'now'>, work: RunWork): Pieces<RunRows> {
  const { run, newJobs, newWorks, jobs } = work
  const rowOf = (job: JobState, spec: Uint8Array) => newJobRow(job, spec, run.state, run.belongs, times)
  return {
    jobs: [
      ...(yield* each([...newJobs], ([job, spec]) => rowOf(job, toBinary(JobSpecSchema, spec)))),
      ...(yield* each([...newWorks.keys()], (job) => rowOf(job, noSpec))),
    ],
    works: yield* each([...newWorks], ([job, asked]) => newWorkRow(run.state.meta.runId, job, asked)),
    endedWorks: [...jobs].filter((job) => isControllerWork(job) && isDoneWith(job)).map(({ id }) => id),
    changedJobs: yield* changesOfJobs(times, work),
    steps: yield* stepRows(times, work),
    ...(yield* eventRows(now, work)),
  }
}

/** What was begun and then taken back stays until whoever has it, or takes it over from them, has ended its log. */
function isDoneWith({ status, startedAt }: JobState): boolean {
  return isTerminalJob(status) && (startedAt === null || answered.has(status))
}

const answered: ReadonlySet<JobStatus> = new Set([JobStatus.SUCCEEDED, JobStatus.FAILED])

/** Of works that have their rows. */
export async function writeRuns(to: Writing, works: RunWork[], started: RunWork[]): Promise<void> {
  for (const work of works) await updateHead(to, work)
  for (const work of works) await updateJobs(to, work)
  const all = [...started, ...works]
  await insertRuns(
    to.db,
    started.map((work) => newRunRow(work.run.state, work.run.belongs, eventCount(work), to.times)),
  )
  await insertJobs[to.dialect](
    to.db,
    all.flatMap(({ rows }) => rows!.jobs),
  )
  await insertWorks(
    to.db,
    all.flatMap(({ rows }) => rows!.works),
  )
  const ended = works.flatMap(({ rows }) => rows!.endedWorks)
  if (ended.length > 0) await to.db.deleteFrom('work').where('job_id', 'in', ended).execute()
  await putSteps[to.dialect](
    to.db,
    all.flatMap(({ rows }) => rows!.steps),
  )
  await insertEvents(
    to.db,
    all.flatMap(({ rows }) => rows!.events),
  )
  await writePins(to, all)
}

const insertRuns = insertion<RunTables, 'run'>('run')
const insertJobs = { sqlite: insertJobsOn('sqlite'), mysql: insertJobsOn('mysql') }
const insertWorks = insertion<RunTables, 'work'>('work')
const noSpec = new Uint8Array(0)
const insertEvents = insertion<RunTables, 'run_event'>('run_event')

function insertJobsOn(dialect: Writing['dialect']) {
  return insertion<RunTables, 'job'>('job', undefined, {
    offered_at: (at) => sql`case when ${at} is null then null else ${databaseNow(dialect)} end`,
  })
}

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
    const isOffered = Number(job.status === JobStatus.OFFERED && job.epoch !== was.epoch)
    const wroteNothing = Number(isTerminalJob(job.status) && job.logComplete && job.logSize === 0)
    const values = { ...jobHeadRow(job, times), isOffered, wroteNothing, wasEpoch: was.epoch, wasStatus: was.status }
    const key = jobs.size === 1 ? '' : JSON.stringify(values)
    const group = groups.get(key)
    if (group) group.ids.push(job.id)
    else groups.set(key, { values, ids: [job.id] })
    yield
  }
  return [...groups.values()]
}

/** One statement must not hold the event loop for long. */
const jobsAtOnce = 100

async function updateJobs({ db, dialect }: Writing, { run, rows }: RunWork): Promise<void> {
  for (const { values, ids } of rows!.changedJobs) {
    for (const part of chunks(ids, jobsAtOnce)) {
      const changed = await (part.length === 1
        ? jobUpdate[dialect].changed(db, { ...values, id: part[0]! })
        : updateOf(db, dialect, values)
            .where('id', 'in', part)
            .executeTakeFirst()
            .then(({ numUpdatedRows }) => numUpdatedRows))
      if (changed !== BigInt(part.length)) throw new LostRace(`jobs of run ${run.state.meta.runId} have changed`)
    }
  }
}

type JobChange = JobHeadRow & { isOffered: number; wroteNothing: number; wasEpoch: number; wasStatus: number }

function updateOf(db: Kysely<RunTables>, dialect: Writing['dialect'], values: JobChange) {
  return db
    .updateTable('job')
    .set({
      ...columnsOf(jobHeadColumns, values),
      log_complete: sql`case when ${values.wroteNothing} = 1 and ${sql.ref('log_size')} = 0 then 1 else ${sql.ref('log_complete')} end`,
      offered_at: sql`case when ${values.isOffered} = 1 then ${databaseNow(dialect)} else ${sql.ref('offered_at')} end`,
    })
    .where('epoch', '=', values.wasEpoch)
    .where('status', '=', values.wasStatus)
}

const jobUpdate = { sqlite: jobUpdateOn('sqlite'), mysql: jobUpdateOn('mysql') }

function jobUpdateOn(dialect: Writing['dialect']) {
  return statement<RunTables, JobChange & { id: string }>()((db, values) =>
    updateOf(db, dialect, values).where('id', '=', values.id),
  )
}

function columnsOf<Row extends object, Column extends keyof Row>(
  columns: readonly Column[],
  row: Row,
): Pick<Row, Column> {
  return Object.fromEntries(columns.map((column) => [column, row[column]])) as Pick<Row, Column>
}

const stepColumns = [
  ...(['phase', 'awaits', 'status', 'reason', 'outputs', 'exports', 'failure_allowed'] as const),
  ...(['queued_at', 'started_at', 'finished_at', 'due_at'] as const),
]

function* stepRows(times: Times, { run, steps }: RunWork): Pieces<RunRows['steps']> {
  const begun = [...steps].filter(({ phase }) => phase !== 'blocked')
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
function* eventRows(now: Date, work: RunWork): Pieces<Pick<RunRows, 'events' | 'told'>> {
  const { state, belongs, seq: before } = work.run
  const steps = inOrder(work.steps)
  const events: RunRows['events'] = []
  const told: WatchRunResponse[] = []
  for (let index = 0; index < eventCount(work); index += 1) {
    const seq = before + 1 + index
    const message = create(WatchRunResponseSchema, {
      seq,
      at: timestampFromDate(now),
      run: presentHead(state, belongs, seq),
      steps: steps.slice(index * stepsOfAnEvent, (index + 1) * stepsOfAnEvent).map((step) => presentStep(state, step)),
    })
    events.push({ run_id: state.meta.runId, seq, data: toBinary(WatchRunResponseSchema, withoutFixed(message)) })
    if (steps.length <= stepsOfAnEvent) told.push(message)
    yield
  }
  return { events, told }
}

/** Copies behind the step that they are copies of. */
function inOrder(steps: Iterable<StepState>): StepState[] {
  return [...steps].sort((a, b) => a.index - b.index || a.copyIndex - b.copyIndex)
}

/** As `pins` of the state says. */
async function writePins({ db, dialect }: Writing, works: RunWork[]): Promise<void> {
  const rows: RunTables['workspace_pin'][] = []
  for (const { run, pins } of works) {
    const { meta, status, pins: holders } = run.state
    const run_id = meta.runId
    if (pins.size > 0 && isTerminal(status)) {
      await db.deleteFrom('workspace_pin').where('run_id', '=', run_id).execute()
      continue
    }
    for (const workspace of pins) {
      const agent_id = holders.get(workspace)
      const folder_run_id = run.state.inherited.get(workspace)
      if (agent_id !== undefined && folder_run_id !== undefined) {
        await inherit[dialect](db, { run_id, workspace, agent_id, folder_run_id })
      } else if (agent_id !== undefined) rows.push({ run_id, workspace, agent_id, folder_run_id: null })
      else await unpin.execute(db, { run_id, workspace })
    }
  }
  await putPins[dialect](db, rows)
}

const putPins = {
  sqlite: insertion<RunTables, 'workspace_pin'>('workspace_pin', (insert) =>
    insert.onConflict((conflict) =>
      conflict.columns(['run_id', 'workspace']).doUpdateSet({ agent_id: sql.ref('excluded.agent_id') }),
    ),
  ),
  mysql: insertion<RunTables, 'workspace_pin'>('workspace_pin', (insert) =>
    insert.onDuplicateKeyUpdate({ agent_id: sql`values(${sql.ref('agent_id')})` }),
  ),
}

const inherit = { sqlite: inheritOn('sqlite'), mysql: inheritOn('mysql') }

/** When its run begins. Whoever is first has it. */
function inheritOn(dialect: Writing['dialect']) {
  type Pin = RunTables['workspace_pin']
  const insert = statement<RunTables, Pin>()((db, { run_id, workspace, agent_id, folder_run_id }) => {
    const into = db.insertInto('workspace_pin').values({ run_id, workspace, agent_id, folder_run_id })
    return dialect === 'sqlite' ? into.onConflict((conflict) => conflict.doNothing()) : into.ignore()
  })
  return async (db: Kysely<RunTables>, pin: Pin) => {
    if ((await insert.changed(db, pin)) === 1n) return
    throw refusal(new RerunRefused(say('rerun_workspace_used', { workspace: pin.workspace })))
  }
}

const unpin = statement<RunTables, { run_id: string; workspace: string }>()((db, { run_id, workspace }) =>
  db.deleteFrom('workspace_pin').where('run_id', '=', run_id).where('workspace', '=', workspace),
)

function* chunks<T>(rows: T[], size: number): Generator<T[]> {
  for (let i = 0; i < rows.length; i += size) yield rows.slice(i, i + size)
}

/** After the commit: the loaded run is what the rows are now. */
export function noteWritten(work: RunWork): void {
  const { run, jobs, newJobs, newWorks } = work
  run.revision++
  run.seq += eventCount(work)
  for (const { id, epoch, status } of jobs) run.jobRows.set(id, { epoch, status })
  for (const { id, epoch, status } of [...newJobs.keys(), ...newWorks.keys()]) run.jobRows.set(id, { epoch, status })
}
