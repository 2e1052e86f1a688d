// The work table as a queue: a controller takes what nobody has, keeps it while it does it, and gives it back when it cannot.
import type { JsonObject } from '@bufbuild/protobuf'
import type { Db } from '../../platform/db.ts'
import { databaseNow, type RunTables } from './run-tables.ts'

export interface TakenWork {
  jobId: string
  runId: string
  kind: string
  request: JsonObject
  secretMark: string
  epoch: number
}

/** How long whoever has it may be silent. */
const leaseSeconds = 30

/** Takes at most `most` under their next epochs: what nobody has, and what somebody had who was not heard of any more. */
export async function takeWork(db: Db, most: number): Promise<TakenWork[]> {
  const tables = db.kysely<RunTables>()
  const now = databaseNow(db.dialect)
  const free = await tables
    .selectFrom('work')
    .selectAll()
    .where(({ or, eb }) => or([eb('leased_until', 'is', null), eb('leased_until', '<=', now)]))
    .orderBy('job_id')
    .limit(most)
    .execute()
  const taken: TakenWork[] = []
  for (const row of free) {
    const { numUpdatedRows } = await tables
      .updateTable('work')
      .set({ epoch: row.epoch + 1, leased_until: databaseNow(db.dialect, -leaseSeconds) })
      .where('job_id', '=', row.job_id)
      .where('epoch', '=', row.epoch)
      .executeTakeFirst()
    if (numUpdatedRows !== 1n) continue
    taken.push({
      jobId: row.job_id,
      runId: row.run_id,
      kind: row.kind,
      request: JSON.parse(row.request) as JsonObject,
      secretMark: row.secret_mark,
      epoch: row.epoch + 1,
    })
  }
  return taken
}

type Held = Pick<TakenWork, 'jobId' | 'epoch'>

/** False: it has ended, or another has it. */
export async function keepWork(db: Db, work: Held): Promise<boolean> {
  return (await lease(db, work, true)) === 1n
}

export async function giveBackWork(db: Db, work: Held): Promise<void> {
  await lease(db, work, false)
}

async function lease(db: Db, { jobId, epoch }: Held, keep: boolean): Promise<bigint> {
  const { numUpdatedRows } = await db
    .kysely<RunTables>()
    .updateTable('work')
    .set({ leased_until: keep ? databaseNow(db.dialect, -leaseSeconds) : null })
    .where('job_id', '=', jobId)
    .where('epoch', '=', epoch)
    .executeTakeFirst()
  return numUpdatedRows
}
