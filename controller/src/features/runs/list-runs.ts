// The runs a caller may read, newest first, page by page.
import { invalidField } from '@ansflow/proto/errors'
import type { ListRunsRequest, Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { each } from '@ansflow/proto/pieces'
import type { Reason } from '@ansflow/proto/reasons'
import { RunStatus, StepStatus } from '@ansflow/proto/status'
import type { Db, EntityManager } from '../../platform/db.ts'
import { cutPage, pageSize, readCursor } from '../../platform/page.ts'
import { readTime } from '../../platform/request-time.ts'
import { statement } from '../../platform/statement.ts'
import { inTurns, nextTurn } from '../../platform/turns.ts'
import type { CallContext } from '../../transport/call.ts'
import { readableScopes } from '../access/index.ts'
import { presentReason, presentRow } from './present-run.ts'
import { type RunRow, type RunTables, timesOf } from './run-tables.ts'

/** Their inputs may be large. */
const atATime = 25

export async function listRuns(
  db: Db,
  { em, caller }: CallContext,
  request: ListRunsRequest,
): Promise<{ runs: Run[]; nextPageToken: string }> {
  const size = pageSize(request.pageSize, 50)
  const [before] = readCursor(request.pageToken, 1) ?? []
  const { organizationIds, projectIds } = readableScopes(caller, 'run.read')
  if (organizationIds.length + projectIds.length === 0) return { runs: [], nextPageToken: '' }
  let query = db
    .kysely<RunTables>(em)
    .selectFrom('run')
    .selectAll()
    .where(({ or, eb }) =>
      or([
        ...(organizationIds.length > 0 ? [eb('organization_id', 'in', organizationIds)] : []),
        ...(projectIds.length > 0 ? [eb('project_id', 'in', projectIds)] : []),
      ]),
    )
  if (request.projectId) query = query.where('project_id', '=', request.projectId)
  if (request.pipelineId) query = query.where('pipeline_id', '=', request.pipelineId)
  if (request.startedBy) query = query.where('started_by', '=', request.startedBy)
  if (request.statuses.length > 0) query = query.where('status', 'in', readStatuses(request.statuses))
  if (request.since) query = query.where('created_at', '>=', db.toColumn(readTime('since', request.since)))
  if (request.until) query = query.where('created_at', '<', db.toColumn(readTime('until', request.until)))
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
  const times = timesOf(db)
  const runs = await inTurns(each(page, (row) => presentRow(row, times)))
  await sayWaits(db, em, runs)
  return { runs, nextPageToken }
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
