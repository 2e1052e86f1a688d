// Whether a step of a run may still be started: what those ask who find no attempt of it.
import { isTerminal } from '@ansflow/proto/status'
import type { Db } from '../../../platform/db.ts'
import { loadGraph } from '../driver/load-run.ts'
import type { RunTables } from '../run-tables.ts'

/** `missing`: the run has no such step. `over`: no attempt of it comes any more. */
export type StepStanding = 'missing' | 'ahead' | 'over'

export async function stepStanding(db: Db, runId: string, stepId: string): Promise<StepStanding> {
  const tables = db.kysely<RunTables>()
  const run = await tables.selectFrom('run').select(['status', 'graph_hash']).where('id', '=', runId).executeTakeFirst()
  if (!run) return 'missing'
  const step = await tables
    .selectFrom('run_step')
    .select('status')
    .where('run_id', '=', runId)
    .where('step_id', '=', stepId)
    .executeTakeFirst()
  // A step that is still blocked has no row.
  if (!step && !(await loadGraph(tables, run.graph_hash)).steps.some(({ id }) => id === stepId)) return 'missing'
  return isTerminal(run.status) || (step && isTerminal(step.status)) ? 'over' : 'ahead'
}
