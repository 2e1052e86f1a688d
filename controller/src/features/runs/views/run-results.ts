// What became of runs, for who shows no more of them than that.
import type { RunStatus } from '@ansflow/proto/status'
import { isTerminal } from '@ansflow/proto/status'
import type { Db } from '../../../platform/db.ts'
import { type RunTables, timesOf } from '../run-tables.ts'

export interface RunResult {
  status: RunStatus
  isOver: boolean
  /** That it took; undefined: it goes on. */
  seconds: number | undefined
}

const shown = 20

/** Of its versions: ids, the newest first. Drafts are tries. */
export async function lastRunsOf(db: Db, pipelineId: string): Promise<string[]> {
  const rows = await db
    .kysely<RunTables>()
    .selectFrom('run')
    .select(['id', 'version'])
    .where('pipeline_id', '=', pipelineId)
    .orderBy('number', 'desc')
    .limit(shown)
    .execute()
  return rows.filter(({ version }) => version > 0).map(({ id }) => id)
}

/** In the order of the ids; those that are gone are left out. */
export async function runResults(db: Db, ids: readonly string[]): Promise<RunResult[]> {
  if (ids.length === 0) return []
  const times = timesOf(db)
  const rows = await db
    .kysely<RunTables>()
    .selectFrom('run')
    .select(['id', 'status', 'created_at', 'finished_at'])
    .where('id', 'in', [...ids])
    .execute()
  const results = new Map(
    rows.map(({ id, status, created_at, finished_at }) => {
      const [from, to] = [times.from(created_at)!, times.from(finished_at)]
      const seconds = to ? Math.max(0, Math.round((to.getTime() - from.getTime()) / 1000)) : undefined
      return [id, { status: status as RunStatus, isOver: isTerminal(status), seconds }] as const
    }),
  )
  return ids.flatMap((id) => results.get(id) ?? [])
}
