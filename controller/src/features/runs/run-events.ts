// Reads what happened to a run, event by event.
import { type WatchRunResponse, WatchRunResponseSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { each } from '@ansflow/proto/pieces'
import { fromBinary } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import { inTurns } from '../../platform/turns.ts'
import { tables } from './run-tables.ts'

/** Events after `seq`, in order and without gaps, at most `limit`. */
export async function runEventsAfter(
  em: EntityManager,
  runId: string,
  seq: number,
  limit: number,
): Promise<WatchRunResponse[]> {
  const rows = await tables(em)
    .selectFrom('run_event')
    .select('data')
    .where('run_id', '=', runId)
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(limit)
    .execute()
  return inTurns(each(rows, (row) => fromBinary(WatchRunResponseSchema, row.data)))
}
