// What other features ask of runs that have been: which were run again, and which of some was the first to end so.
import type { RunOrigin } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { RunStatus } from '@ansflow/proto/status'
import type { Db, EntityManager } from '../../../platform/db.ts'
import { parseOrigin } from '../run-rows.ts'
import type { RunTables } from '../run-tables.ts'

/** Of runs that were run again and again. */
const longestChain = 20

/** The run of which this one is the last of many; itself, when it is no run again. */
export async function firstOfReruns(db: Db, em: EntityManager, runId: string, rerunOf: string): Promise<string> {
  let first = runId
  for (let before = rerunOf, steps = 0; before !== '' && steps < longestChain; steps++) {
    first = before
    const query = db.kysely<RunTables>(em).selectFrom('run').select('rerun_of').where('id', '=', before)
    before = (await query.executeTakeFirst())?.rerun_of ?? ''
  }
  return first
}

export interface SoughtRun {
  pipelineId: string
  statuses: readonly RunStatus[]
  counts(run: { version: number; origin: RunOrigin }): boolean
}

/** The oldest among `ids` (at most some hundred) that is such a run, and no run again. */
export async function oldestOf(
  db: Db,
  em: EntityManager,
  ids: readonly string[],
  { pipelineId, statuses, counts }: SoughtRun,
): Promise<string | undefined> {
  if (ids.length === 0) return undefined
  const rows = await db
    .kysely<RunTables>(em)
    .selectFrom('run')
    .select(['id', 'version', 'origin'])
    .where('id', 'in', [...ids])
    .where('pipeline_id', '=', pipelineId)
    .where('rerun_of', '=', '')
    .where('status', 'in', [...statuses])
    .orderBy('id', 'asc')
    .execute()
  return rows.find(({ version, origin }) => counts({ version, origin: parseOrigin(origin) }))?.id
}
