// The runs a caller may read, newest first, page by page.
import { invalidField } from '@ansflow/proto/errors'
import type { ListRunsRequest, Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { each } from '@ansflow/proto/pieces'
import type { Reason } from '@ansflow/proto/reasons'
import { RunStatus, StepStatus } from '@ansflow/proto/status'
import type { Expression, SqlBool } from 'kysely'
import type { Clock } from '../../../platform/clock.ts'
import type { Db, EntityManager } from '../../../platform/db.ts'
import { cutPage, pageSize, readCursor } from '../../../platform/page.ts'
import { readTime } from '../../../platform/request-time.ts'
import { statement } from '../../../platform/statement.ts'
import { inTurns, nextTurn } from '../../../platform/turns.ts'
import type { CallContext } from '../../../transport/call.ts'
import { readableScopes } from '../../access/index.ts'
import {
  type Fits,
  type PageAsked,
  type RunExpressions,
  type RunPerson,
  readPerson,
  runIdsOfPerson,
} from '../person-runs.ts'
import { type RunRow, type RunTables, timesOf } from '../run-tables.ts'
import { presentReason, presentRow } from './present-run.ts'

/** Their inputs may be large. */
const atATime = 25

export async function listRuns(
  { db, clock }: { db: Db; clock: Clock },
  ctx: CallContext,
  request: ListRunsRequest,
): Promise<{ runs: Run[]; nextPageToken: string }> {
  const { em, caller } = ctx
  const size = pageSize(request.pageSize, 50)
  const [before] = readCursor(request.pageToken, 1) ?? []
  const person = request.personId === '' ? undefined : await readPerson(ctx, request.personId, clock.now())
  const { organizationIds, projectIds } = readableScopes(caller, 'run.read')
  if (organizationIds.length + projectIds.length === 0) return { runs: [], nextPageToken: '' }
  const asked = readFilter(db, request)
  const fits: Fits = (eb) =>
    eb.and([
      eb.or([
        ...(organizationIds.length > 0 ? [eb('organization_id', 'in', organizationIds)] : []),
        ...(projectIds.length > 0 ? [eb('project_id', 'in', projectIds)] : []),
      ]),
      ...asked(eb),
    ])
  const { rows, nextPageToken } = person
    ? await pageOfPerson(db, em, { person, fits, before, size })
    : await pageOfAll(db, em, { fits, before, size })
  const times = timesOf(db)
  const runs = await inTurns(each(rows, (row) => presentRow(row, times)))
  await sayWaits(db, em, runs)
  return { runs, nextPageToken }
}

interface Page {
  rows: RunRow[]
  nextPageToken: string
}

async function pageOfAll(db: Db, em: EntityManager, { fits, before, size }: PageAsked): Promise<Page> {
  const query = db.kysely<RunTables>(em).selectFrom('run').selectAll().where(fits)
  const rows: RunRow[] = []
  for (let last = before, more = true; more; ) {
    const limit = Math.min(atATime, size + 1 - rows.length)
    // Ids grow with time.
    const older = last === undefined ? query : query.where('id', '<', last)
    const next = await older.orderBy('id', 'desc').limit(limit).execute()
    rows.push(...next)
    last = next.at(-1)?.id
    more = next.length === limit && rows.length <= size
    if (more) await nextTurn()
  }
  const { page, nextPageToken } = cutPage(rows, size, (row) => [row.id])
  return { rows: page, nextPageToken }
}

/** A run that is deleted meanwhile is left out; the pages after it stay. */
async function pageOfPerson(
  db: Db,
  em: EntityManager,
  { person, ...asked }: PageAsked & { person: RunPerson },
): Promise<Page> {
  const ids = await runIdsOfPerson(db, em, person, asked)
  const { page, nextPageToken } = cutPage(ids, asked.size, (id) => [id])
  const rows: RunRow[] = []
  for (let from = 0; from < page.length; from += atATime) {
    const some = page.slice(from, from + atATime)
    const query = db.kysely<RunTables>(em).selectFrom('run').selectAll().where('id', 'in', some)
    rows.push(...(await query.orderBy('id', 'desc').execute()))
    await nextTurn()
  }
  return { rows, nextPageToken }
}

/** What is asked for beside what may be read. */
function readFilter(db: Db, request: ListRunsRequest): (eb: RunExpressions) => Expression<SqlBool>[] {
  const { projectId, pipelineId, startedBy } = request
  const statuses = readStatuses(request.statuses)
  const since = request.since && db.toColumn(readTime('since', request.since))
  const until = request.until && db.toColumn(readTime('until', request.until))
  return (eb) => [
    ...(projectId ? [eb('project_id', '=', projectId)] : []),
    ...(pipelineId ? [eb('pipeline_id', '=', pipelineId)] : []),
    ...(startedBy ? [eb('started_by', '=', startedBy)] : []),
    ...(statuses.length > 0 ? [eb('status', 'in', statuses)] : []),
    ...(since === undefined ? [] : [eb('created_at', '>=', since)]),
    ...(until === undefined ? [] : [eb('created_at', '<', until)]),
  ]
}

function readStatuses(statuses: RunStatus[]): RunStatus[] {
  const unknown = statuses.find((status) => !(status in RunStatus) || status === RunStatus.UNSPECIFIED)
  if (unknown !== undefined) throw invalidField('statuses', `${unknown} is not a status of runs`)
  return [...new Set(statuses)]
}

/** One run as lists show it; undefined: there is none. */
export async function readRunHead(db: Db, em: EntityManager, runId: string): Promise<Run | undefined> {
  const row = await db.kysely<RunTables>(em).selectFrom('run').selectAll().where('id', '=', runId).executeTakeFirst()
  const run = row && presentRow(row, timesOf(db))
  if (run) await sayWaits(db, em, [run])
  return run
}

/** As lists show them, in no order; those that are gone are left out. */
export async function readRunHeads(db: Db, em: EntityManager, runIds: readonly string[]): Promise<Run[]> {
  const runs: Run[] = []
  for (let from = 0; from < runIds.length; from += atATime) {
    const some = runIds.slice(from, from + atATime)
    const rows = await db.kysely<RunTables>(em).selectFrom('run').selectAll().where('id', 'in', some).execute()
    runs.push(...(await inTurns(each(rows, (row) => presentRow(row, timesOf(db))))))
  }
  await sayWaits(db, em, runs)
  return runs
}

/** Of those of a page. */
const mostExplained = 25
/** What passes by itself within a moment is no news in a list. */
const passing: readonly string[] = ['queued', 'offered', 'starting', 'work_queued', 'locks_next', 'copies']

/** A run of which nothing runs says what its first open step waits for. */
async function sayWaits(db: Db, em: EntityManager, runs: readonly Run[]): Promise<void> {
  for (const run of runs.filter(standsStill).slice(0, mostExplained)) {
    const { rows } = await firstWaiting.execute(db.kysely<RunTables>(em), { runId: run.id })
    const reasons = rows.flatMap(({ reason }) => (reason === null ? [] : [JSON.parse(reason) as Reason]))
    const why = reasons.find(({ code }) => !passing.includes(code))
    if (why) Object.assign(run, presentReason(why))
  }
}

function standsStill({ status, reason, stepCounts }: Run): boolean {
  if (reason !== '' || (status !== RunStatus.QUEUED && status !== RunStatus.RUNNING)) return false
  const has = (which: StepStatus) => stepCounts.some((each) => each.status === which && each.count > 0)
  return !has(StepStatus.RUNNING) && (has(StepStatus.WAITING) || has(StepStatus.QUEUED))
}

const firstWaiting = statement<RunTables, { runId: string }>()((db, { runId }) =>
  db
    .selectFrom('run_step')
    .select('reason')
    .where('run_id', '=', runId)
    .where('status', 'in', [StepStatus.WAITING, StepStatus.QUEUED])
    .limit(10),
)
