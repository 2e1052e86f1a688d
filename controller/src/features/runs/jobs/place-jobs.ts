// The claim of a job is an event like all others; what is beside it stands here: the slot that is kept while it is committed, and
// jobs that find an agent within the commit that queues them.
import { advance } from '@ansflow/engine/advance'
import type { Candidate } from '@ansflow/engine/pick-job'
import type { JobState } from '@ansflow/engine/state'
import { type JobSpec, JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { JobStatus } from '@ansflow/proto/status'
import { fromBinary } from '@bufbuild/protobuf'
import type { Kysely } from 'kysely'
import { statementOfList } from '../../../platform/statement.ts'
import { addChanges, type RunWork } from '../driver/run-work.ts'
import type { RunTables } from '../run-tables.ts'

export interface OfferedJob {
  jobId: string
  runId: string
  epoch: number
  /** Whether secrets must be read before it starts. */
  secrets: boolean
  spec: JobSpec
}

/** A slot of an agent, kept for one job. */
export interface Seat {
  readonly agentId: string
  readonly agentName: string
  /** The claim is committed: called once, or `giveBack` is. */
  offer(job: OfferedJob): void
  giveBack(): void
}

/**
 * Seats, by job id, for those jobs of an organization that a commit is about to queue and that go before whatever else waits there.
 * The others stay queued.
 */
export type Placement = (organizationId: string, jobs: Candidate[]) => Promise<ReadonlyMap<string, Seat>>

export interface Claim {
  job: JobState
  epoch: number
  seat: Seat
}

/** Answers the seats that were taken. */
export async function placeQueued(works: RunWork[], place: Placement, now: Date): Promise<Seat[]> {
  const taken: Seat[] = []
  const waiting = works.flatMap((work) => {
    const jobs = [...work.newJobs.keys()].filter(({ status }) => status === JobStatus.QUEUED)
    return jobs.map((job) => ({ work, job, candidate: candidateOf(work, job) }))
  })
  for (const [organizationId, jobs] of Map.groupBy(waiting, ({ candidate }) => candidate.organizationId)) {
    const seats = await place(
      organizationId,
      jobs.map(({ candidate }) => candidate),
    )
    for (const { work, job } of jobs) {
      const seat = seats.get(job.id)
      if (!seat) continue
      const { agentId, agentName } = seat
      const event = { type: 'jobOffered', jobId: job.id, agentId, agentName } as const
      addChanges(work, atOnce(advance(work.run.state, event, now)))
      work.claims.push({ job, epoch: job.epoch, seat })
      taken.push(seat)
    }
  }
  return taken
}

function candidateOf({ run: { state, belongs } }: RunWork, job: JobState): Candidate {
  return {
    jobId: job.id,
    runId: state.meta.runId,
    projectId: state.meta.projectId,
    organizationId: belongs.organizationId,
    priority: state.meta.priority,
    queuedAt: job.createdAt,
    availableAt: job.availableAt,
    labels: job.labels,
    untrusted: state.meta.origin.untrusted,
    capability: job.capability,
    workspace: job.workspace,
    pinnedAgentId: state.pins.get(job.workspace) ?? '',
  }
}

/** What the claimed jobs are to do, where this commit has not made them itself. */
export async function specsOf(db: Kysely<RunTables>, works: RunWork[]): Promise<Map<string, JobSpec>> {
  const specs = new Map<string, JobSpec>()
  const stored: string[] = []
  for (const { claims, newJobs } of works) {
    for (const { job } of claims) {
      const spec = newJobs.get(job)
      if (spec) specs.set(job.id, spec)
      else stored.push(job.id)
    }
  }
  if (stored.length === 0) return specs
  const { rows } = await storedSpecs(db, stored)
  for (const { id, spec } of rows) specs.set(id, fromBinary(JobSpecSchema, spec))
  return specs
}

const storedSpecs = statementOfList<RunTables, string>()((db, ids) =>
  db.selectFrom('job').select(['id', 'spec']).where('id', 'in', ids),
)

/** After the commit. What was canceled within it is not offered any more. */
export function offerClaims({ run, claims }: RunWork, specs: Map<string, JobSpec>): void {
  for (const { job, epoch, seat } of claims) {
    const spec = specs.get(job.id)
    if (spec && job.status === JobStatus.OFFERED && job.epoch === epoch) {
      const { runId } = run.state.meta
      seat.offer({ jobId: job.id, runId, epoch, secrets: job.secrets.length > 0, spec })
    } else seat.giveBack()
  }
}
