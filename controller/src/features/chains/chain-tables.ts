// The tables of chains as statements see them.
import type { TriggerEvent } from '@ansflow/proto/triggers/trigger-inputs'
import type { Db } from '../../platform/db.ts'

export type Todo = 'begin' | 'tell' | 'wait' | 'end' | 'cancel'

export interface ChainedRunRow {
  id: string
  run_id: string
  project_id: string
  organization_id: string
  run_name: string
  step_id: string
  ask: string
  todo: Todo
  pipeline_name: string
  number: number
  status: number
  outputs: string | null
}

/** Of a run that a trigger has begun: what has ended, for its expressions. */
export interface TriggeredAsk {
  linkId: string
  event: TriggerEvent
}

interface LinkRow {
  id: string
  from_id: string
  kind: string
  definition: string | null
}

export interface ChainTables {
  chained_run: ChainedRunRow
  pipeline_link: LinkRow
}

/** There is nothing more to do for it. */
export async function forget(db: Db, { id, todo }: ChainedRunRow): Promise<void> {
  await db.kysely<ChainTables>().deleteFrom('chained_run').where('id', '=', id).where('todo', '=', todo).execute()
}
