// A claim as a dispatcher makes it, with the offer as the answer.

import type { Db } from '../../../platform/db.ts'
import { jobById, type OfferedJob, type RunDriver } from '../index.ts'

/** Null: the job was not to be had. */
export async function claimJob(
  { db, driver }: { db: Db; driver: Pick<RunDriver, 'claim'> },
  jobId: string,
  agentId: string,
): Promise<OfferedJob | null> {
  const job = await jobById(db, jobId)
  let offered: OfferedJob | null = null
  let calls = 0
  const seat = {
    agentId,
    agentName: 'Anna',
    offer(given: OfferedJob) {
      calls++
      offered = given
    },
    giveBack: () => void calls++,
  }
  await driver.claim(job!.runId, jobId, seat)
  if (calls !== 1) throw new Error(`The seat of a claim was used ${calls} times.`)
  return offered
}
