// Who would come before somebody who asked now. Nothing is asked for.
import type { LockWant } from '@ansflow/engine/locks'
import { limits } from '@ansflow/proto/limits'
import type { Db, EntityManager } from '../../platform/db.ts'
import { whoIs } from './lock-queue.ts'
import { type Hindrance, keyOf, type LockTables } from './lock-tables.ts'

/** Of the first of these that would have to be waited for. `supersedes`: those that wait make room. */
export async function aheadNow(
  db: Db,
  em: EntityManager,
  { projectId, wants, supersedes = false }: { projectId: string; wants: readonly LockWant[]; supersedes?: boolean },
): Promise<Hindrance | undefined> {
  const tables = db.kysely<LockTables>(em)
  for (const want of wants) {
    const most = Math.min(want.most, limits.runsOfAGroup)
    const line = tables
      .selectFrom('lock_want as want')
      .innerJoin('lock_claim as claim', (join) =>
        join.onRef('claim.project_id', '=', 'want.project_id').onRef('claim.place', '=', 'want.place'),
      )
      .selectAll('claim')
      .where('want.project_id', '=', projectId)
      .where('want.lock_key', '=', keyOf(want))
    const others = supersedes ? line.where('claim.given', '=', 1) : line
    const rows = await others.orderBy('want.place', 'desc').limit(most).execute()
    if (rows.length >= most && rows[0]) return { want, ahead: whoIs(rows[0]) }
  }
  return undefined
}
