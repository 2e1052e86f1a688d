// Owns what becomes of an offer: a job that runs at once or waits for its start, a refusal, or nothing any more.
import type { JobRef, Offer } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { limits } from '@ansflow/proto/limits'
import type { Config } from '../config.ts'
import type { DataFolder } from '../data-folder.ts'
import { refusal } from '../link/admit.ts'
import { textOf } from '../log.ts'
import { type JobHost, JobRunner } from './job-runner.ts'
import { JobFolder, refOf } from './journal.ts'
import type { Lane, Lanes } from './lanes.ts'

export interface Offers {
  hear(offer: Offer): Promise<void>
  /** Those that wait for the end of an older epoch of their job. To the controller, this agent has them. */
  arriving(): JobRef[]
  /** The controller has given it up: it becomes no job any more. */
  drop(ref: JobRef): void
  /** The same for all that are arriving: a hello is said without them, and whoever has not been named may go to others. */
  dropAll(): void
  /** Nothing is left of the job; its offer, should it come twice, is not for another one. */
  isOver(ref: JobRef): void
  /** How many were refused so far. */
  readonly refusals: number
}

interface Deps {
  folder: DataFolder
  config: Config
  lanes: Lanes
  jobs: Map<string, JobRunner>
  jobHost: JobHost
  isDraining(): boolean
  /** False: the controller may count this agent as lost already, and what it has heard may be old. */
  isInTouch(): boolean
}

export function createOffers({ folder, config, lanes, jobs, jobHost, isDraining, isInTouch }: Deps): Offers {
  const arriving = new Map<string, JobRef>()
  const over = new Map<string, number>()
  let refusals = 0

  function reject(job: JobRef, reason: string): void {
    refusals++
    jobHost.send({ kind: { case: 'reject', value: { job, reason } } })
  }

  /** False: it is not wanted any more, or another is here. */
  async function afterOlder(ref: JobRef, older: JobRunner): Promise<boolean> {
    arriving.set(ref.jobId, ref)
    await older.abandon()
    if (arriving.get(ref.jobId) !== ref) return false
    arriving.delete(ref.jobId)
    return !jobs.has(ref.jobId)
  }

  return {
    async hear({ job: ref, spec, start, secrets }) {
      if (!ref || !spec) return
      const existing = jobs.get(ref.jobId)
      if (existing?.ref.epoch === ref.epoch) return existing.accept()
      if (existing && existing.ref.epoch > ref.epoch) return reject(ref, 'a newer epoch of this job is here')
      if ((over.get(ref.jobId) ?? -1) >= ref.epoch) return
      if (existing && !(await afterOlder(ref, existing))) return
      const reason = refusal(ref, spec, [...jobs.values()], config, isDraining())
      if (reason) return reject(ref, reason)
      let job: JobRunner
      let lane: Lane | undefined
      try {
        lane = lanes.take()
        job = new JobRunner(JobFolder.create(folder, refOf(ref), spec, lane), jobHost)
      } catch (error) {
        void lane?.discard()
        const { code } = error as NodeJS.ErrnoException
        return reject(ref, `journal cannot be written: ${code === 'ENOSPC' ? 'disk full' : textOf(error)}`)
      }
      jobs.set(ref.jobId, job)
      if (start && isInTouch()) job.startAtOnce(secrets)
      else job.accept()
    },
    arriving: () => [...arriving.values()],
    drop(ref) {
      if (arriving.get(ref.jobId)?.epoch === ref.epoch) arriving.delete(ref.jobId)
    },
    dropAll: () => arriving.clear(),
    isOver({ jobId, epoch }) {
      over.delete(jobId)
      over.set(jobId, epoch)
      if (over.size > limits.jobsOfAnAgent) over.delete(over.keys().next().value!)
    },
    get refusals() {
      return refusals
    },
  }
}
