// What happened to a run, event by event: from the rows, and for runs that somebody here follows from what was just committed here.
import { type WatchRunResponse, WatchRunResponseSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { each } from '@ansflow/proto/pieces'
import { fromBinary, type JsonObject } from '@bufbuild/protobuf'
import type { Db, EntityManager } from '../../../platform/db.ts'
import { statement } from '../../../platform/statement.ts'
import { inTurns } from '../../../platform/turns.ts'
import { parseOrigin } from '../run-rows.ts'
import { type RunTables, tables } from '../run-tables.ts'

/** Events after `seq`, in order and without gaps, at most `limit`. */
export async function runEventsAfter(
  em: EntityManager,
  runId: string,
  seq: number,
  limit: number,
): Promise<WatchRunResponse[]> {
  return readEvents(tables(em), runId, seq, limit)
}

async function readEvents(db: Parameters<typeof after.execute>[0], runId: string, seq: number, limit: number) {
  const { rows } = await after.execute(db, { runId, seq, limit })
  const events = await inTurns(each(rows, (row) => fromBinary(WatchRunResponseSchema, row.data)))
  const bare = events.flatMap(({ run }) => (run && !run.inputs ? [run] : []))
  const fixed = bare.length > 0 ? await fixedOf.first(db, { runId }) : undefined
  if (fixed) {
    const inputs = JSON.parse(fixed.inputs) as JsonObject
    const origin = parseOrigin(fixed.origin)
    for (const run of bare) Object.assign(run, { inputs, origin })
  }
  return events
}

/** As it is stored: what never changes of a run, and may be large, is in its row. Events of before it have it themselves. */
export function withoutFixed(event: WatchRunResponse): WatchRunResponse {
  const { inputs: _, origin: __, ...run } = event.run!
  return { ...event, run }
}

const fixedOf = statement<RunTables, { runId: string }>()((db, { runId }) =>
  db.selectFrom('run').select(['inputs', 'origin']).where('id', '=', runId),
)

const after = statement<RunTables, { runId: string; seq: number; limit: number }>()((db, { runId, seq, limit }) =>
  db
    .selectFrom('run_event')
    .select('data')
    .where('run_id', '=', runId)
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(limit),
)

export interface RunEvents {
  /** Until the answer is called, the last events of the run that are committed here stay at hand. */
  keep(runId: string): () => void
  /** In the order of their commits. */
  committed(runId: string, events: readonly WatchRunResponse[]): void
  /** Events after `seq`, in order and without gaps, at most `limit`. */
  after(runId: string, seq: number, limit: number): Promise<readonly WatchRunResponse[]>
}

/** Whoever is further behind reads rows. */
const mostKept = 64
const mostSteps = 1000

export function createRunEvents(db: Db): RunEvents {
  const kept = new Map<string, { by: number; events: WatchRunResponse[]; steps: number }>()
  return {
    keep(runId) {
      const run = kept.get(runId) ?? { by: 0, events: [], steps: 0 }
      kept.set(runId, run)
      run.by++
      return () => {
        if (--run.by === 0) kept.delete(runId)
      }
    },
    committed(runId, events) {
      const run = kept.get(runId)
      if (!run) return
      for (const event of events) {
        // Another controller's came between.
        if (run.events.length > 0 && run.events.at(-1)!.seq + 1 !== event.seq) run.events.length = run.steps = 0
        run.events.push(event)
        run.steps += event.steps.length
        while (run.events.length > mostKept || run.steps > mostSteps) run.steps -= run.events.shift()!.steps.length
      }
    },
    async after(runId, seq, limit) {
      const events = kept.get(runId)?.events ?? []
      const at = events.length === 0 ? -1 : seq + 1 - events[0]!.seq
      if (at >= 0 && at < events.length) return events.slice(at, at + limit)
      return readEvents(db.kysely<RunTables>(), runId, seq, limit)
    },
  }
}
