// Brings the tables to what the code expects: one controller at a time, and never backwards.
import { type Kysely, sql } from 'kysely'
import type { Db, UntypedTables } from './db.ts'

const lockName = 'ansflow migrations'
const lockWaitSeconds = 120

export async function migrate(db: Db): Promise<void> {
  await (db.dialect === 'sqlite' ? run(db) : db.withoutLimit(() => runLocked(db)))
}

/** One controller at a time. */
async function runLocked(db: Db): Promise<void> {
  await db
    .kysely()
    .connection()
    .execute(async (connection: Kysely<UntypedTables>) => {
      const answer = await sql<{
        taken: number | null
      }>`select get_lock(${lockName}, ${lockWaitSeconds}) as taken`.execute(connection)
      if (Number(answer.rows[0]?.taken) !== 1) {
        throw new Error(
          `Another controller has been changing the tables for ${lockWaitSeconds} seconds. Start again when it is done.`,
        )
      }
      try {
        await run(db)
      } finally {
        await sql`select release_lock(${lockName})`.execute(connection)
      }
    })
}

async function run(db: Db): Promise<void> {
  const { migrator } = db.orm
  const unknown = (await migrator.getExecuted()).filter((row) => !(row.name.replace(/\.ts$/, '') in db.migrations))
  if (unknown.length > 0) {
    throw new Error(
      `The database was made by another AnsFlow, newer than this one or older than the first release (it has "${unknown.map((row) => row.name).join('", "')}"). Start that version, restore the copy made before the upgrade, or begin with an empty database.`,
    )
  }
  await migrator.up()
}
