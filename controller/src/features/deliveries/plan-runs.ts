// Ids of runs are kept before the first is begun: whoever goes on with a delivery begins none twice.
import { type DeliveryDecision, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import type { Said } from '@ansflow/proto/texts/say'
import type { Db } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { readRunHeads } from '../runs/index.ts'
import { Overtaken } from './claim.ts'
import { decisionsOf, type Plan, runIdsOf, type ToDecide, toDecision, withDecisions } from './decisions.ts'
import { RepositoryDeliveryEntity, type RepositoryDeliveryRow } from './delivery.entity.ts'

export interface PlanDeps {
  db: Db
}

/** The numbers of those of them that have begun, by their ids. */
export async function begunRuns({ db }: PlanDeps, planned: readonly DeliveryDecision[]): Promise<Map<string, number>> {
  const ids = planned.flatMap(({ runId }) => (runId === '' ? [] : [runId]))
  return new Map((await readRunHeads(db, db.em(), ids)).map(({ id, number }) => [id, number]))
}

/** What became of a delivery that is given up: runs that have begun are runs, and of the others it is said why they have not. */
export async function leftDecisions(deps: PlanDeps, id: string, why: Said): Promise<DeliveryDecision[]> {
  const row = await deps.db.em().findOne(RepositoryDeliveryEntity, { id }, { fields: ['decisions'] })
  const planned = row ? decisionsOf(row) : []
  const numbers = await begunRuns(deps, planned)
  return planned.map((decision) => {
    const { pipelineId, pipelineName, path, runId } = decision
    const runNumber = numbers.get(runId)
    if (runId === '') return decision
    const named = { pipelineId, pipelineName, path }
    return runNumber === undefined ? toDecision({ ...named, why }, {}) : toDecision(named, { runId, runNumber })
  })
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
