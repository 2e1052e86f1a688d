// Owns a draft's bytes in the database: appending updates in order, reading on from a number, folding updates into the state.
// Hand-written statements: a keystroke must not cost an ORM flush.
import type { Kysely } from 'kysely'
import type { Db, EntityManager } from '../../platform/db.ts'
import { isTurnUsedUp, nextTurn, spent } from '../../platform/turns.ts'
import type { DraftTables } from './draft.entity.ts'

const pageRows = 1000

export interface StoredDraft {
  seq: number
  /** In V2 encoding; apply all. */
  updates: Uint8Array[]
}

function tables(em: EntityManager): Kysely<DraftTables> {
  return em.getKysely<DraftTables>() as unknown as Kysely<DraftTables>
}

/** The first state of a draft, inside the transaction that makes its pipeline. */
export async function insertDraft(em: EntityManager, pipelineId: string, state: Uint8Array): Promise<void> {
  await tables(em)
    .insertInto('collab_snapshot')
    .values({ pipeline_id: pipelineId, head_seq: 1, seq: 1, data: Buffer.from(state) })
    .execute()
}

/**
 * What came after update `after` (0: everything); undefined when there is no such draft. What is answered is complete up to
 * its `seq`, also while others append and fold.
 */
export async function readDraft(em: EntityManager, pipelineId: string, after = 0): Promise<StoredDraft | undefined> {
  const db = tables(em)
  for (;;) {
    const head = await db
      .selectFrom('collab_snapshot')
      .select(['head_seq', 'seq'])
      .where('pipeline_id', '=', pipelineId)
      .executeTakeFirst()
    if (!head) return undefined
    if (head.head_seq <= after) return { seq: after, updates: [] }
    let from = after
    const updates: Uint8Array[] = []
    if (head.seq > after) {
      const state = await db
        .selectFrom('collab_snapshot')
        .select(['seq', 'data'])
        .where('pipeline_id', '=', pipelineId)
        .executeTakeFirst()
      if (!state) return undefined
      from = state.seq
      updates.push(state.data)
    }
    for await (const page of pagesAfter(db, pipelineId, from)) {
      // A hole: someone folded these updates into the state between two queries.
      if (page.at(-1)?.seq !== from + page.length) break
      from += page.length
      for (const { data } of page) updates.push(data)
    }
    if (from >= head.head_seq) return { seq: from, updates }
  }
}

/** A log may be long. */
async function* pagesAfter(
  db: Kysely<DraftTables>,
  pipelineId: string,
  after: number,
): AsyncGenerator<{ seq: number; data: Uint8Array }[]> {
  for (let from = after; ; ) {
    while (isTurnUsedUp()) await nextTurn()
    const began = performance.now()
    const page = await db
      .selectFrom('collab_update')
      .select(['seq', 'data'])
      .where('pipeline_id', '=', pipelineId)
      .where('seq', '>', from)
      .orderBy('seq')
      .limit(pageRows)
      .execute()
    spent(began)
    const last = page.at(-1)
    if (!last) return
    yield page
    if (page.length < pageRows) return
    from = last.seq
  }
}

/** False: there are updates after `head` that the caller has not seen, or the draft is gone; nothing was written. */
export function appendUpdate(db: Db, pipelineId: string, head: number, update: Uint8Array): Promise<boolean> {
  return db.transaction(async (em) => {
    const moved = await tables(em)
      .updateTable('collab_snapshot')
      .set({ head_seq: head + 1 })
      .where('pipeline_id', '=', pipelineId)
      .where('head_seq', '=', head)
      .executeTakeFirst()
    if (moved.numUpdatedRows !== 1n) return false
    await tables(em)
      .insertInto('collab_update')
      .values({ pipeline_id: pipelineId, seq: head + 1, data: Buffer.from(update) })
      .execute()
    return true
  })
}

/** Replaces the updates up to `seq` by the full state, which must hold at least them. */
export async function foldUpdates(db: Db, pipelineId: string, seq: number, state: Uint8Array): Promise<void> {
  const isFolded = await db.transaction(async (em) => {
    const folded = await tables(em)
      .updateTable('collab_snapshot')
      .set({ seq, data: Buffer.from(state) })
      .where('pipeline_id', '=', pipelineId)
      .where('seq', '<', seq)
      .where('head_seq', '>=', seq)
      .executeTakeFirst()
    return folded.numUpdatedRows === 1n
  })
  // From here on nobody reads them: what is left of them when this ends early goes with the next.
  while (isFolded && (await deleteFolded(db, pipelineId, seq))) await nextTurn()
}

/** Whether there may be more. */
function deleteFolded(db: Db, pipelineId: string, seq: number): Promise<boolean> {
  return db.transaction(async (em) => {
    const updates = tables(em)
    const first = await updates
      .selectFrom('collab_update')
      .select('seq')
      .where('pipeline_id', '=', pipelineId)
      .orderBy('seq')
      .limit(1)
      .executeTakeFirst()
    if (!first || first.seq > seq) return false
    const last = Math.min(seq, first.seq + pageRows - 1)
    await updates.deleteFrom('collab_update').where('pipeline_id', '=', pipelineId).where('seq', '<=', last).execute()
    return last < seq
  })
}

/** The last numbers of several drafts; those that are gone are missing. */
export async function readHeads(em: EntityManager, pipelineIds: readonly string[]): Promise<Map<string, number>> {
  if (pipelineIds.length === 0) return new Map()
  const rows = await tables(em)
    .selectFrom('collab_snapshot')
    .select(['pipeline_id', 'head_seq'])
    .where('pipeline_id', 'in', pipelineIds)
    .execute()
  return new Map(rows.map((row) => [row.pipeline_id, row.head_seq]))
}
