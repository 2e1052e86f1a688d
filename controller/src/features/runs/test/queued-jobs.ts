// What waits for agents, of all organizations.
import type { Candidate } from '@ansflow/engine/pick-job'
import type { Db } from '../../../platform/db.ts'
import * as runs from '../index.ts'

export async function queuedJobs(db: Db, limit: number): Promise<Candidate[]> {
  const organizations = await runs.organizationsWithQueuedJobs(db)
  const all = await Promise.all(organizations.map((id) => runs.queuedJobs(db, limit, id)))
  const inOrder = (a: Candidate, b: Candidate) =>
    a.queuedAt.getTime() - b.queuedAt.getTime() || (a.jobId < b.jobId ? -1 : 1)
  return all.flat().sort(inOrder).slice(0, limit)
}
