// What came to a webhook: kept once by its name, the last fifty of each, and the runs that are to be started for them.

import { RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { DeliveryResult } from '@ansflow/proto/gen/ansflow/v1/webhooks_pb'
import { create, type JsonObject } from '@bufbuild/protobuf'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Db } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Logger } from '../../platform/log.ts'
import { refusalOf, type StartDeps, startPublished } from '../runs/index.ts'
import { DeliveryEntity, type DeliveryRow, type WebhookRow } from './webhook.entity.ts'

const mostKept = 50

interface NewDelivery {
  row: WebhookRow
  name: string | null
  receivedAt: Date
  inputs: JsonObject | null
  result: DeliveryResult
  problem: string
}

/** `again`: it has come before. */
export async function keepDelivery(db: Db, delivery: NewDelivery): Promise<{ id: string; again: boolean }> {
  const { row, name, receivedAt, inputs, result, problem } = delivery
  const id = uuidv7()
  const belongs = { webhookId: row.id, pipelineId: row.pipelineId, projectId: row.projectId }
  const known = name === null ? null : await db.em().findOne(DeliveryEntity, { webhookId: row.id, name })
  if (known) return { id: known.id, again: true }
  try {
    await db.transaction(async (em) => {
      const runId = result === DeliveryResult.TAKEN ? uuidv7() : null
      const text = inputs && JSON.stringify(inputs)
      const told = { receivedAt, name, inputs: text, result, runId, problem: problem.slice(0, 512) }
      await em.insert(DeliveryEntity, { id, ...belongs, ...told })
      const old = await em.find(
        DeliveryEntity,
        { webhookId: row.id, result: { $ne: DeliveryResult.TAKEN } },
        { orderBy: { id: 'desc' }, offset: mostKept, limit: mostKept, fields: ['id'] },
      )
      if (old.length > 0) await em.nativeDelete(DeliveryEntity, { id: { $in: old.map((each) => each.id) } })
    })
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error
    const first = await db.em().findOne(DeliveryEntity, { webhookId: row.id, name })
    if (!first) throw error
    return { id: first.id, again: true }
  }
  return { id, again: false }
}

interface Deps extends StartDeps {
  log: Logger
}

/** Read at once. */
const pageSize = 50

/** Any controller may, and several at once: a run's id is decided before it is begun. */
export async function startTaken(deps: Deps): Promise<void> {
  let last = ''
  for (;;) {
    const where = { result: DeliveryResult.TAKEN, id: { $gt: last } }
    const taken = await deps.db.em().find(DeliveryEntity, where, { orderBy: { id: 'asc' }, limit: pageSize })
    for (const row of taken) {
      await startOne(deps, row).catch((error: unknown) =>
        deps.log.warn({ err: error, deliveryId: row.id }, 'a delivery could not start its run yet'),
      )
    }
    const end = taken.at(-1)
    if (!end || taken.length < pageSize) return
    last = end.id
  }
}

async function startOne(deps: Deps, { id, pipelineId, name, inputs, runId }: DeliveryRow): Promise<void> {
  const problem = await start(deps, { id, pipelineId, name, inputs, runId })
  const result = problem === '' ? DeliveryResult.STARTED : DeliveryResult.REFUSED
  const told = { result, problem: problem.slice(0, 512), ...(problem !== '' && { runId: null }) }
  await deps.db.em().nativeUpdate(DeliveryEntity, { id, result: DeliveryResult.TAKEN }, told)
}

/** Why not, or "". */
async function start(
  deps: Deps,
  { id, pipelineId, name, inputs, runId }: Pick<DeliveryRow, 'id' | 'pipelineId' | 'name' | 'inputs' | 'runId'>,
): Promise<string> {
  const cause = { case: 'webhook' as const, value: { deliveryId: id, name: 'webhook', event: name ?? '' } }
  try {
    await startPublished(deps, {
      pipelineId,
      inputs: JSON.parse(inputs ?? '{}') as JsonObject,
      textInputs: true,
      origin: create(RunOriginSchema, { cause }),
      runId: runId!,
      by: '',
    })
    return ''
  } catch (error) {
    return refusalOf(error).message
  }
}
