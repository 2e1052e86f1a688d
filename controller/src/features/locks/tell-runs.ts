// Tells runs what has become of what they asked for.
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import type { RunDriver } from '../runs/index.ts'
import { type Notice, noticeOf } from './lock-participant.ts'
import type { LockTables } from './lock-tables.ts'

interface Deps {
  db: Db
  log: Logger
  driver: Pick<RunDriver, 'submit'>
}

/** One that cannot be told now is told again. */
export async function tellRuns({ driver, log }: Omit<Deps, 'db'>, notices: readonly Notice[]): Promise<void> {
  await Promise.all(
    notices.map(({ runId, event }) =>
      driver
        .submit(runId, event)
        .catch((error: unknown) => log.warn({ err: error, runId }, 'a run was not told of its turn yet')),
    ),
  )
}

/** Told at once. */
const most = 500

/** What a controller that went down, or a change that could not be made, has left untold. */
export async function tellUntold({ db, ...deps }: Deps): Promise<void> {
  const rows = await db
    .kysely<LockTables>()
    .selectFrom('lock_claim')
    .selectAll()
    .where('untold', '=', 1)
    .limit(most)
    .execute()
  await tellRuns(deps, rows.map(noticeOf))
}
