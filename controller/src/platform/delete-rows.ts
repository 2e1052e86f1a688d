// Deletes very many rows, some at a time: neither the event loop nor a statement's time limit is held by how many there are.
import { type Expression, type Kysely, SqliteAdapter, sql } from 'kysely'

const atATime = 200

/** All rows of the table that fit. Inside a transaction, which it stays one of. */
export async function deleteRows<Tables>(
  db: Kysely<Tables>,
  table: keyof Tables & string,
  condition: Expression<unknown>,
): Promise<void> {
  const from = sql.table(table)
  const limit = sql.lit(atATime)
  const some =
    db.getExecutor().adapter instanceof SqliteAdapter
      ? sql`delete from ${from} where rowid in (select rowid from ${from} where ${condition} limit ${limit})`
      : sql`delete from ${from} where ${condition} limit ${limit}`
  for (;;) {
    const { numAffectedRows = 0n } = await some.execute(db)
    if (numAffectedRows < BigInt(atATime)) return
  }
}
