// The approvals a caller may read, newest first, page by page.
import {
  type Approval,
  ApprovalRefusal,
  ApprovalStatus,
  ApprovalView,
  type ListApprovalsRequest,
} from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { cutPage, pageSize, readCursor, writeCursor } from '../../platform/page.ts'
import { nextTurn } from '../../platform/turns.ts'
import { type CallContext, personOf } from '../../transport/call.ts'
import { readableScopes } from '../access/index.ts'
import { type ApprovalTables, presentApproval, type StoredApproval, withDecisions } from './approval-tables.ts'
import { stuckAmong } from './stuck.ts'
import { refusalOf } from './who-decides.ts'

const atATime = 25
/** Who may decide stands in no index: so many are looked through for a page, and it may come out shorter. */
const mostLookedAt = 500

export async function listApprovals(
  { db, clock }: { db: Db; clock: Clock },
  ctx: CallContext,
  request: ListApprovalsRequest,
): Promise<{ approvals: Approval[]; nextPageToken: string }> {
  const person = personOf(ctx)
  const { em } = ctx
  const size = pageSize(request.pageSize, 50, 100)
  const forMe = request.view === ApprovalView.FOR_ME
  let [last] = readCursor(request.pageToken, 1) ?? []
  const query = queryOf()
  if (!query) return { approvals: [], nextPageToken: '' }
  const found: { stored: StoredApproval; refusal: ApprovalRefusal }[] = []
  let more = true
  for (let looked = 0; more && found.length <= size && looked < mostLookedAt; looked += atATime) {
    // Ids grow with time.
    const older = last === undefined ? query : query.where('id', '<', last)
    const rows = await older.orderBy('id', 'desc').limit(atATime).execute()
    for (const stored of await withDecisions(db, em, rows)) {
      const refusal = refusalOf(stored, person)
      if (!forMe || refusal === ApprovalRefusal.UNSPECIFIED) found.push({ stored, refusal })
    }
    last = rows.at(-1)?.id ?? last
    more = rows.length === atATime
    if (more) await nextTurn()
  }
  const { page, nextPageToken } = cutPage(found, size, ({ stored }) => [stored.row.id])
  const ofOneRun = request.runId === '' ? [] : page.map(({ stored }) => stored)
  const stuck = await stuckAmong(ctx, ofOneRun, clock.now())
  const unfinished = more && found.length <= size && last !== undefined
  return {
    approvals: page.map(({ stored, refusal }) => presentApproval(db, stored, refusal, stuck.get(stored.row.id))),
    nextPageToken: unfinished ? writeCursor([last!]) : nextPageToken,
  }

  function queryOf() {
    const { organizationIds, projectIds } = readableScopes(person, 'run.read')
    if (organizationIds.length + projectIds.length === 0) return undefined
    let rows = db
      .kysely<ApprovalTables>(em)
      .selectFrom('approval')
      .selectAll()
      .where(({ or, eb }) =>
        or([
          ...(organizationIds.length > 0 ? [eb('organization_id', 'in', organizationIds)] : []),
          ...(projectIds.length > 0 ? [eb('project_id', 'in', projectIds)] : []),
        ]),
      )
    if (request.projectId) rows = rows.where('project_id', '=', request.projectId)
    if (request.runId) rows = rows.where('run_id', '=', request.runId)
    const statuses = forMe ? [ApprovalStatus.WAITING] : [...new Set(request.statuses)]
    if (statuses.length > 0) rows = rows.where('status', 'in', statuses)
    if (request.view === ApprovalView.STARTED_BY_ME) rows = rows.where('requested_by', '=', person.userId)
    if (request.view === ApprovalView.DECIDED_BY_ME) {
      rows = rows.where('id', 'in', (eb) =>
        eb.selectFrom('approval_decision').select('approval_id').where('user_id', '=', person.userId),
      )
    }
    return rows
  }
}
