// Owns the decision whether this host takes an offered job, and the sentence when it does not.
import { statfsSync } from 'node:fs'
import type { JobRef, JobSpec } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { Config } from '../config.ts'
import type { JobRunner } from '../job/job-runner.ts'
import { isJobId } from '../job/journal.ts'
import { canRun } from '../steps/index.ts'

/** The journal and the results of running jobs must still fit. */
const RESERVE_BYTES = 64 * 1024 * 1024

/** English, for whoever waits for the job; undefined: it is taken. */
export function refusal(
  ref: JobRef,
  spec: JobSpec,
  jobs: readonly JobRunner[],
  config: Config,
  draining: boolean,
): string | undefined {
  if (!isJobId(ref.jobId)) return 'the job id cannot be a folder name'
  if (draining) return 'draining'
  if (!canRun(spec)) return 'this agent cannot run this kind of step'
  if (jobs.filter((job) => job.usesSlot).length >= config.slots) return 'no free slot'
  const disk = statfsSync(config.data)
  if (disk.bavail * disk.bsize < RESERVE_BYTES) return 'journal cannot be written: disk full'
  const spooled = jobs.reduce((sum, job) => sum + (job.spool?.bytesOnDisk ?? 0), 0)
  if (spooled > config.spoolQuota) return 'too much log waits on this host for the controller'
  return undefined
}
