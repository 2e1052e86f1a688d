// What became of the steps of a pipeline's last runs: how long they took, and which of them ran last. Reads a bounded number of rows, however
// long the history is.
import { isTerminal, RunStatus, StepStatus } from '@ansflow/proto/status'
import type { Kysely } from 'kysely'
import type { Db, EntityManager } from '../../../platform/db.ts'
import { nextTurn } from '../../../platform/turns.ts'
import { parseTally } from '../run-rows.ts'
import type { RunTables } from '../run-tables.ts'

export interface RecentSteps {
  /** Looked at, of those that have ended. */
  runs: number
  /** Milliseconds that a step took where it succeeded, by its key; copies are within those of their step. */
  times: Map<string, number[]>
  last: { runId: string; number: number; ran: string[] } | undefined
}

const mostRuns = 50
/** Of steps, in all runs together; the last run is looked at whatever it has. */
const mostRows = 10_000
const rowsAtOnce = 2000
const ended = Object.values(RunStatus).filter(
  (status) => typeof status === 'number' && isTerminal(status),
) as RunStatus[]

export async function recentSteps(db: Db, em: EntityManager, pipelineId: string): Promise<RecentSteps> {
  const tables = db.kysely<RunTables>(em)
  const rows = await tables
    .selectFrom('run')
    .select(['id', 'number', 'step_counts'])
    .where('pipeline_id', '=', pipelineId)
    .where('status', 'in', ended)
    .orderBy('number', 'desc')
    .limit(mostRuns)
    .execute()
  const [last] = rows
  const found: RecentSteps = {
    runs: 0,
    times: new Map(),
    last: last && { runId: last.id, number: last.number, ran: [] },
  }
  let left = mostRows
  let some: string[] = []
  let size = 0
  const read = async () => {
    if (some.length > 0) await readSteps(db, tables, some, found)
    some = []
    size = 0
    await nextTurn()
  }
  for (const { id, step_counts } of rows) {
    const steps = Math.max(1, sizeOf(step_counts))
    if (steps > left && found.runs > 0) break
    left -= steps
    found.runs++
    if (size + steps > rowsAtOnce) await read()
    some.push(id)
    size += steps
  }
  await read()
  return found
}

function sizeOf(stepCounts: string): number {
  return parseTally(stepCounts).counts.reduce((sum, count) => sum + count, 0)
}

async function readSteps(
  db: Db,
  tables: Kysely<RunTables>,
  runIds: string[],
  { times, last }: RecentSteps,
): Promise<void> {
  const rows = await tables
    .selectFrom('run_step')
    .select(['run_id', 'step_id', 'status', 'reused', 'started_at', 'finished_at'])
    .where('run_id', 'in', runIds)
    .where('copy', 'is', null)
    .where('started_at', 'is not', null)
    .execute()
  for (const { run_id, step_id, status, reused, started_at, finished_at } of rows) {
    if (status !== StepStatus.SKIPPED && run_id === last?.runId) last.ran.push(step_id)
    // What was run before has times of another run.
    if (status !== StepStatus.SUCCEEDED || reused !== null || started_at === null || finished_at === null) continue
    const took = db.fromColumn(finished_at).getTime() - db.fromColumn(started_at).getTime()
    const known = times.get(step_id)
    if (known) known.push(took)
    else times.set(step_id, [took])
  }
}
