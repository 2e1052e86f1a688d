// Deletes a project's logs with it.
import { sql } from 'kysely'
import type { EntityManager } from '../../platform/db.ts'
import { deleteRows } from '../../platform/delete-rows.ts'
import { jobsOf } from '../runs/index.ts'
import type { LogTables } from './log-tables.ts'

/** A project's part of being deleted, inside the transaction and before its jobs are. */
export async function deleteLogsOf(em: EntityManager, projectId: string): Promise<void> {
  const db = em.getKysely<LogTables>()
  for await (const jobs of jobsOf(em, projectId)) await deleteRows(db, 'log_chunk', sql`job_id in ${jobs}`)
}
