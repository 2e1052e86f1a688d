// Does what is to be done about runs that others have asked for: begins them, tells of them, cancels them. Any controller may, and
// several at once: what is done twice is done once, by the run's id or by the row.
import type { ChildName, RunEvent } from '@ansflow/engine/state'
import type { RunAsk } from '@ansflow/proto/child-run'
import { AppError } from '@ansflow/proto/errors'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { type RunDriver, readRunHead, type StartDeps } from '../runs/index.ts'
import { type ChainedRunRow, type ChainTables, forget, type Todo } from './chain-tables.ts'
import { startChild } from './start-child.ts'
import { startTriggered } from './start-triggered.ts'

export interface ChainDeps extends StartDeps {
  db: Db
  clock: Clock
  log: Logger
  driver: Pick<RunDriver, 'start' | 'submit' | 'cancel'>
}

/** Read at once. */
const pageSize = 50

export async function settleChains(deps: ChainDeps): Promise<void> {
  let last = ''
  for (;;) {
    const due = await deps.db
      .kysely<ChainTables>()
      .selectFrom('chained_run')
      .selectAll()
      .where('todo', 'in', ['begin', 'tell', 'end', 'cancel'])
      .where('id', '>', last)
      .orderBy('id')
      .limit(pageSize)
      .execute()
    for (const row of due) {
      // What cannot be done now keeps nothing else waiting, and is tried at the next look.
      await does[row.todo](deps, row).catch((error: unknown) =>
        deps.log.warn({ err: error, runId: row.id }, 'a run that another has asked for could not be seen to yet'),
      )
    }
    const end = due.at(-1)
    if (!end || due.length < pageSize) return
    last = end.id
  }
}

const does: Record<Todo, (deps: ChainDeps, row: ChainedRunRow) => Promise<void>> = {
  async begin(deps, row) {
    const { db } = deps
    if (row.step_id === '') return startTriggered(deps, row)
    const parent = await readRunHead(db, db.em(), row.run_id)
    if (!parent) return forget(db, row)
    const begun = await startChild(deps, row, parent)
    if (begun === 'withdrawn') return
    if ('code' in begun) {
      await tell(deps, row, { type: 'childRefused', why: begun })
      await forget(db, row)
      return
    }
    await does.tell(deps, { ...row, todo: 'tell', pipeline_name: begun.pipelineName, number: begun.number })
  },

  async tell(deps, row) {
    await tell(deps, row, { type: 'childStarted', ...nameOf(row) })
    const { wait } = JSON.parse(row.ask) as RunAsk
    if (!wait) return forget(deps.db, row)
    const rows = deps.db.kysely<ChainTables>().updateTable('chained_run').set({ todo: 'wait' })
    // It may have ended meanwhile.
    await rows.where('id', '=', row.id).where('todo', '=', 'tell').execute()
  },

  async end(deps, row) {
    const outputs = JSON.parse(row.outputs ?? '{}') as Record<string, string>
    await tell(deps, row, { type: 'childEnded', ...nameOf(row), status: row.status, outputs })
    await forget(deps.db, row)
  },

  async cancel(deps, row) {
    // One that has not begun does not begin without its row.
    await ifThere(deps.driver.cancel(row.id, { id: '', name: row.run_name }))
    await forget(deps.db, row)
  },

  wait: async () => undefined,
}

function nameOf({ pipeline_name, number }: ChainedRunRow): ChildName {
  return { pipelineName: pipeline_name, number }
}

type Told = RunEvent extends infer E ? (E extends { childId: string } ? Omit<E, 'stepId' | 'childId'> : never) : never

async function tell({ driver }: ChainDeps, { id, run_id, step_id }: ChainedRunRow, told: Told): Promise<void> {
  await ifThere(driver.submit(run_id, { ...told, stepId: step_id, childId: id } as RunEvent))
}

/** A run that is gone needs to hear nothing. */
async function ifThere(done: Promise<unknown>): Promise<void> {
  await done.catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'not_found') throw error
  })
}
