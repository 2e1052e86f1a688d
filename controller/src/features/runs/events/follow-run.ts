// Following a run: what its events say, then again whenever the watch says look. Streams and sockets follow in the same way.
import { notFound } from '@ansflow/proto/errors'
import type { Run, WatchRunResponse } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import type { Db } from '../../../platform/db.ts'
import { createBell, type Watch } from '../../../platform/watch.ts'
import type { CallContext } from '../../../transport/call.ts'
import { readRunHead } from '../views/list-runs.ts'
import type { RunEvents } from './run-events.ts'

/** Every event after `seq`, in order, until the signal; an empty batch: there is no more for now. */
export type FollowRun = (runId: string, seq: number, signal: AbortSignal) => AsyncGenerator<readonly WatchRunResponse[]>

const mostEvents = 200

export function createFollowRun({ events: all, watch }: { events: RunEvents; watch: Watch }): FollowRun {
  const reading = new Map<string, ReturnType<RunEvents['after']>>()

  /** Those at the same place share one reading, unless there was news since it began. */
  function eventsAfter(runId: string, seq: number): ReturnType<RunEvents['after']> {
    const key = `${runId} ${seq} ${watch.version(runId)}`
    let events = reading.get(key)
    if (!events) {
      events = all.after(runId, seq, mostEvents).finally(() => reading.delete(key))
      reading.set(key, events)
    }
    return events
  }

  return async function* follow(runId, seq, signal) {
    const bell = createBell()
    // Listening before the first look: nothing falls between.
    const end = watch.listen(runId, bell.ring)
    const forget = all.keep(runId)
    signal.addEventListener('abort', bell.ring)
    try {
      let last = seq
      while (!signal.aborted) {
        const events = await eventsAfter(runId, last)
        if (events.length > 0) yield events
        last = events.at(-1)?.seq ?? last
        if (events.length === mostEvents) continue
        yield []
        await bell.wait()
      }
    } finally {
      signal.removeEventListener('abort', bell.ring)
      forget()
      end()
    }
  }
}

/** Every event after `seq`, in order, until the run has ended. */
export async function* watchRun(
  { db, follow }: { db: Db; follow: FollowRun },
  ctx: CallContext,
  runId: string,
  seq: number,
): AsyncGenerator<WatchRunResponse> {
  let last = seq
  /** As the events since the last pause tell it. */
  let told: Run | undefined
  for await (const events of follow(runId, seq, ctx.signal)) {
    yield* events
    last = events.at(-1)?.seq ?? last
    told = events.at(-1)?.run ?? told
    if (events.length > 0) continue
    const head = told ?? (await readRunHead(db, db.em(), runId))
    told = undefined
    if (!head) throw notFound('run', runId)
    if (isTerminal(head.status) && last >= head.seq) return
  }
}
