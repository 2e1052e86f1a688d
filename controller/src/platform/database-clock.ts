// The database's time, so that controllers whose hosts disagree compare the same times. Between two looks at it the host's
// steady clock counts on: setting the host's time moves nothing.
import { type RawBuilder, sql } from 'kysely'
import type { Clock } from './clock.ts'
import type { Db } from './db.ts'
import type { Logger } from './log.ts'

const lookEveryMs = 30_000

export interface DatabaseClock extends Clock {
  stop(): void
}

/** On SQLite the database has no time of its own: the host's is used. */
export async function databaseClock(db: Db, host: Clock, log: Logger): Promise<DatabaseClock> {
  if (db.dialect === 'sqlite') return { ...host, stop: () => undefined }
  let zero = await look(db)
  let stopped = false
  let cancel = again()

  function again(): () => void {
    return host.setTimer(lookEveryMs, () => {
      look(db)
        .then((found) => {
          zero = found
        })
        .catch((error: unknown) => log.warn({ err: error }, "the database's time could not be read; counting on"))
        .finally(() => {
          if (!stopped) cancel = again()
        })
    })
  }

  return {
    now: () => new Date(zero + performance.now()),
    setTimer: host.setTimer,
    stop() {
      stopped = true
      cancel()
    },
  }
}

/** The database's time at the zero of `performance.now()`, wrong by at most half of the round trip. */
async function look(db: Db): Promise<number> {
  const sent = performance.now()
  const now: RawBuilder<{ now: unknown }> = sql`select utc_timestamp(3) as now`
  const { rows } = await now.execute(db.kysely())
  return db.fromColumn(rows[0]!.now).getTime() - (sent + performance.now()) / 2
}
