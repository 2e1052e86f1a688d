// The work table as a queue: a controller takes what nobody has, keeps it while it does it, and gives it back when it cannot.
import { JobStatus } from '@ansflow/proto/status'
import type { JsonObject } from '@bufbuild/protobuf'
import type { Db } from '../../../platform/db.ts'
import { databaseNow, type RunTables } from '../run-tables.ts'

export interface TakenWork {
  jobId: string
  runId: string
  projectId: string
  kind: string
  request: JsonObject
  secretMark: string
  epoch: number
}

/** How long whoever has it may be silent. */
const leaseSeconds = 30

/**
 * Takes at most `most` under their next epochs: what nobody has, and what somebody had who was not heard of any more. None of a
 * project for which there is no room.
 */
export async function takeWork(db: Db, most: number, rooms: Rooms): Promise<TakenWork[]> {
  const tables = db.kysely<RunTables>()
  const now = databaseNow(db.dialect)
  const free = await tables
    .selectFrom('work')
    .innerJoin('run', 'run.id', 'work.run_id')
    .selectAll('work')
    .select('run.project_id')
    .where(({ or, eb }) => or([eb('leased_until', 'is', null), eb('leased_until', '<=', now)]))
    .$if(rooms.full.length > 0, (query) => query.where('run.project_id', 'not in', rooms.full))
    .orderBy('job_id')
    .limit(most)
    .execute()
  const taken: TakenWork[] = []
  for (const row of free) {
    if (taken.filter(({ projectId }) => projectId === row.project_id).length >= rooms.of(row.project_id)) continue
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
      projectId: row.project_id,
      kind: row.kind,
      request: JSON.parse(row.request) as JsonObject,
      secretMark: row.secret_mark,
      epoch: row.epoch + 1,
    })
  }
  return taken
}

/** How much more of each project's work may be taken. */
export interface Rooms {
  /** Projects for which there is none. */
  full: string[]
  of(projectId: string): number
}

type Held = Pick<TakenWork, 'jobId' | 'epoch'>

/** False: it has ended, or another has it. */
export async function keepWork(db: Db, work: Held): Promise<boolean> {
  const goesOn = db
    .kysely<RunTables>()
    .selectFrom('job')
    .select('id')
    .where('id', '=', work.jobId)
    .where('status', 'in', [JobStatus.ACCEPTED, JobStatus.RUNNING])
  const { numUpdatedRows } = await held(db, work)
    .set({ leased_until: databaseNow(db.dialect, -leaseSeconds) })
    .where(({ exists }) => exists(goesOn))
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

export async function giveBackWork(db: Db, work: Held): Promise<void> {
  await held(db, work).set({ leased_until: null }).execute()
}

/** There is nothing to do for it any more. */
export async function endWork(db: Db, { jobId, epoch }: Held): Promise<void> {
  await db.kysely<RunTables>().deleteFrom('work').where('job_id', '=', jobId).where('epoch', '=', epoch).execute()
}

function held(db: Db, { jobId, epoch }: Held) {
  return db.kysely<RunTables>().updateTable('work').where('job_id', '=', jobId).where('epoch', '=', epoch)
}
