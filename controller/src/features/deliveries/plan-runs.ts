// Ids of runs are kept before the first is begun: whoever goes on with a delivery begins none twice.
import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import type { Db } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { Overtaken } from './claim.ts'
import { type Plan, runIdsOf, type ToDecide, toDecision, withDecisions } from './decisions.ts'
import { RepositoryDeliveryEntity, type RepositoryDeliveryRow } from './delivery.entity.ts'

export interface PlanDeps {
  db: Db
}

/** `runId` is empty where nothing is to be begun. Throws `Overtaken`. */
export async function planRuns<D extends ToDecide & { start?: unknown }>(
  { db }: PlanDeps,
  { row, index }: { row: RepositoryDeliveryRow; index: number },
  decided: readonly D[],
  as?: Pick<Plan, 'trust' | 'commit'>,
): Promise<(D & { runId: string })[]> {
  // Somebody may have begun them already.
  const known = runIdsOf(row, index)
  const planned = decided.map((each) => ({
    ...each,
    runId: each.start ? known.get(each.pipelineId) || uuidv7() : '',
  }))
  const before = row.decisions
  row.decisions = withDecisions(
    row,
    index,
    planned.map((each) => toDecision(each, { runId: each.runId })),
    as,
  )
  // Whoever was thought dead may be at it still: of two plans the first counts, and the other begins nothing.
  const held = { id: row.id, result: RepositoryDeliveryResult.TAKEN, decisions: before }
  const isPlanned = await db.em().nativeUpdate(RepositoryDeliveryEntity, held, { decisions: row.decisions })
  if (isPlanned !== 1) throw new Overtaken()
  return planned
}
