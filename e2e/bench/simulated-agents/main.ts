// Many simulated agents in one process, and what they have seen.
import type { Identity } from '@ansflow/agent/data-folder'
import type { JobSpec } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { waitFor } from '../../setup/wait-for.ts'
import { answer } from '../child.ts'
import { now } from '../now.ts'
import { runSimulatedAgent } from './simulated-agent.ts'

export interface Dispatched {
  /** Milliseconds from telling that a step has ended until the next of its row is to start. */
  samples: number[]
  perSecond: number
}

const stop = new AbortController()
/** When each was welcomed last. */
const welcomed: number[] = []
const refusals: string[] = []
let stepMs = 0
/** Of each row of steps ("<run> <row>"): when it began, when its last step ended, how many have. */
const rows = new Map<string, { began: number; ended: number; done: number }>()
let samples: number[] = []
let firstEnd = 0
let lastEnd = 0

answer({
  connect({ identities }: { identities: Identity[] }) {
    for (const identity of identities) {
      const index = welcomed.push(0) - 1
      const watcher = {
        welcomed: () => {
          welcomed[index] = now()
        },
        refused: (error: Error) => refusals.push(`${identity.name}: ${error.message}`),
        started,
        ended,
      }
      void runSimulatedAgent(identity, watcher, stop.signal)
    }
  },

  /** Resolves when all have been welcomed after `since`: how many milliseconds after. */
  async connected({ since, timeoutMs }: { since: number; timeoutMs: number }): Promise<number> {
    await waitFor(() => welcomed.every((at) => at > since), {
      what: `all ${welcomed.length} agents are connected`,
      timeoutMs,
      fatal: () => refusals.length > 0,
      detail: () => refusals[0] ?? `${welcomed.filter((at) => at > since).length} are`,
    })
    return Math.max(...welcomed) - since
  },

  /** Steps of a row end this long after each other, however late they were started. */
  pace(words: { stepMs: number }) {
    ;({ stepMs } = words)
    rows.clear()
    samples = []
    firstEnd = lastEnd = 0
  },

  dispatched: (): Dispatched => ({ samples, perSecond: (1000 * (samples.length - 1)) / (lastEnd - firstEnd) }),
})

const rowOf = ({ runId, stepId }: JobSpec) => `${runId} ${stepId.split('-')[0]}`

function started(spec: JobSpec): number {
  const at = now()
  const key = rowOf(spec)
  const known = rows.get(key)
  if (!known) {
    // Rows that begin together do not end their steps together.
    const began = at + (stepMs * (rows.size % 40)) / 40
    rows.set(key, { began, ended: 0, done: 0 })
    return began + stepMs - at
  }
  samples.push(at - known.ended)
  return Math.max(0, known.began + (known.done + 1) * stepMs - at)
}

function ended(spec: JobSpec): void {
  const row = rows.get(rowOf(spec))
  if (!row) return
  row.ended = now()
  row.done++
  // As many as samples: without the first of each row.
  if (row.done < 2) return
  firstEnd ||= row.ended
  lastEnd = row.ended
}
