// Deletes a project's logs with it.
import type { EntityManager } from '../../platform/db.ts'
import type { LogTables } from './log-tables.ts'

/** A project's part of being deleted, inside the transaction and before its jobs are. */
export async function deleteLogsOf(em: EntityManager, projectId: string): Promise<void> {
  const db = em.getKysely<LogTables & { job: { id: string; project_id: string } }>()
  const jobs = db.selectFrom('job').select('id').where('project_id', '=', projectId)
  await db.deleteFrom('log_chunk').where('job_id', 'in', jobs).execute()
}
