import { afterAll, beforeAll, expect, it } from 'vitest'
import * as Y from 'yjs'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { insertPipeline } from './create-pipeline.ts'
import type { DraftTables } from './draft.entity.ts'
import { foldUpdates, readDraft } from './draft-store.ts'

let c: TestController
beforeAll(async () => {
  c = await startController()
})
afterAll(() => c[Symbol.asyncDispose]())

it('a long log is read whole and in order, and folded whole', async () => {
  const doc = new Y.Doc()
  const state = Y.encodeStateAsUpdateV2(doc)
  const projectId = await c.addProject()
  const seed = { name: 'long', hash: 'h', state }
  const { id } = await c.db.transaction((em) => insertPipeline(em, projectId, seed, new Date()))
  const updates: Uint8Array[] = []
  doc.on('updateV2', (update: Uint8Array) => updates.push(update))
  for (let n = 0; n < 2500; n += 1) doc.getMap('notes').set('n', n)
  const tables = c.db.kysely<DraftTables>()
  const rows = updates.map((data, n) => ({ pipeline_id: id, seq: n + 2, data: Buffer.from(data) }))
  for (let from = 0; from < rows.length; from += 500) {
    await tables
      .insertInto('collab_update')
      .values(rows.slice(from, from + 500))
      .execute()
  }
  await tables.updateTable('collab_snapshot').set({ head_seq: 2501 }).where('pipeline_id', '=', id).execute()

  const read = await readDraft(c.db.em(), id)
  expect(read?.seq).toBe(2501)
  expect(read?.updates.slice(1).map((update) => Buffer.from(update))).toEqual(rows.map(({ data }) => data))

  // The last one is not in the state yet.
  await foldUpdates(c.db, id, 2500, Y.encodeStateAsUpdateV2(doc))
  const left = await tables.selectFrom('collab_update').select('seq').where('pipeline_id', '=', id).execute()
  expect(left).toEqual([{ seq: 2501 }])
  expect(await readDraft(c.db.em(), id)).toMatchObject({ seq: 2501, updates: { length: 2 } })
  expect(await readDraft(c.db.em(), id, 2500)).toMatchObject({ seq: 2501, updates: { length: 1 } })
})
