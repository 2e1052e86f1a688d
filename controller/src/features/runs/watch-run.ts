// Follows a run: what its rows say, then again whenever the bus or the clock says look.
import { notFound } from '@ansflow/proto/errors'
import type { WatchRunResponse } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import type { Bus } from '../../platform/bus.ts'
import type { Db } from '../../platform/db.ts'
import type { CallContext } from '../../transport/call.ts'
import { readRunHead } from './list-runs.ts'
import { runEventsAfter } from './run-events.ts'

/** A lost bus message costs at most this. */
const lookAgainMs = 2000
const mostAtOnce = 200

/** Every event after `seq`, in order, until the run has ended. */
export async function* watchRun(
  { db, bus }: { db: Db; bus: Bus },
  ctx: CallContext,
  runId: string,
  seq: number,
): AsyncGenerator<WatchRunResponse> {
  const bell = doorbell()
  // Listening before the first look: nothing falls between.
  const end = bus.subscribe('run.changed', (message) => {
    if (message.runId === runId) bell.ring()
  })
  ctx.signal.addEventListener('abort', bell.ring)
  let last = seq
  try {
    while (!ctx.signal.aborted) {
      const events = await runEventsAfter(db.em(), runId, last, mostAtOnce)
      for (const event of events) {
        yield event
        last = event.seq
      }
      if (events.length === mostAtOnce) continue
      const head = events.at(-1)?.run ?? (await readRunHead(db, db.em(), runId))
      if (!head) throw notFound('run', runId)
      if (isTerminal(head.status) && last >= head.seq) return
      await bell.wait(lookAgainMs)
    }
  } finally {
    ctx.signal.removeEventListener('abort', bell.ring)
    end()
  }
}

/** Remembers a ring that came while nobody waited. */
function doorbell(): { ring: () => void; wait: (ms: number) => Promise<void> } {
  let rung = false
  let answer: (() => void) | undefined
  return {
    ring() {
      rung = true
      answer?.()
    },
    async wait(ms) {
      if (!rung) {
        let timer: NodeJS.Timeout | undefined
        await new Promise<void>((resolve) => {
          answer = resolve
          timer = setTimeout(resolve, ms)
        })
        clearTimeout(timer)
      }
      answer = undefined
      rung = false
    },
  }
}
