// The jobs of an organization that wait for an agent, in their order, as far as they were read. It is kept between passes: of a
// thousand jobs that wait, the next few are given away again and again, and each time nothing has changed about the others.
import type { Candidate } from '@ansflow/engine/pick-job'

export interface WaitingLine {
  /** Those that were read and not given away since. */
  readonly jobs: Map<string, Candidate>
  /** Nothing that waits was left unread. */
  readonly isWhole: boolean
  readMore(): Promise<void>
}

/** Jobs read at once. */
export const page = 500
/** Who waits behind so many that fit nobody has to wait until some of them have gone. */
const mostRead = 20 * page

interface Reads {
  inOrder(limit: number, after: Candidate | undefined): Promise<Candidate[]>
  /** Of projects other than these. */
  elsewhere(known: ReadonlySet<string>): Promise<Candidate[]>
}

/** Jobs of a project that are read beside the first page. */
export const fewOfAProject = 20

function wellRead(jobs: Candidate[]): Set<string> {
  const byProject = Map.groupBy(jobs, ({ projectId }) => projectId)
  return new Set([...byProject].filter(([, all]) => all.length >= fewOfAProject).map(([projectId]) => projectId))
}

export function waitingLine({ inOrder, elsewhere }: Reads): WaitingLine {
  const jobs = new Map<string, Candidate>()
  let last: Candidate | undefined
  let count = 0
  let isWhole = false
  return {
    jobs,
    get isWhole() {
      return isWhole
    },
    async readMore() {
      const more = await inOrder(page, last)
      // Of a long line the first page may be of one project alone; others must not wait until it has gone.
      const others = last === undefined && more.length === page ? await elsewhere(wellRead(more)) : []
      for (const job of [...more, ...others]) jobs.set(job.jobId, job)
      last = more.at(-1)
      count += more.length
      isWhole = more.length < page || count >= mostRead
    },
  }
}
