// What came to a webhook: kept once by its name, the last fifty of each, and the runs that are to be started for them.

import { RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { DeliveryResult } from '@ansflow/proto/gen/ansflow/v1/webhooks_pb'
import { utf8Length } from '@ansflow/proto/limits'
import { isProblemCode, saidText } from '@ansflow/proto/texts/said-text'
import { type Said, say } from '@ansflow/proto/texts/say'
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
  problem: Refusal | undefined
}

/** Why no run is started: the sentence, and what other languages make it from. */
export interface Refusal {
  text: string
  said?: Said
}

export function refusedBy(said: Said): Refusal {
  return { text: saidText(said), said }
}

const longestText = 512
/** Of the JSON; what is longer is kept as its sentence alone. */
const longestSaid = 8192

function toColumns(refusal: Refusal | undefined): { problem: string; said: string | null } {
  const json = refusal?.said && JSON.stringify(refusal.said)
  return {
    problem: (refusal?.text ?? '').slice(0, longestText),
    said: json !== undefined && utf8Length(json) <= longestSaid ? json : null,
  }
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
      const told = { receivedAt, name, inputs: text, result, runId, ...toColumns(problem) }
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
  const result = problem ? DeliveryResult.REFUSED : DeliveryResult.STARTED
  const told = { result, ...toColumns(problem), ...(problem && { runId: null }) }
  await deps.db.em().nativeUpdate(DeliveryEntity, { id, result: DeliveryResult.TAKEN }, told)
}

/** Why not; undefined: it is started. */
async function start(
  deps: Deps,
  { id, pipelineId, name, inputs, runId }: Pick<DeliveryRow, 'id' | 'pipelineId' | 'name' | 'inputs' | 'runId'>,
): Promise<Refusal | undefined> {
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
    return undefined
  } catch (error) {
    const { message, violations } = refusalOf(error)
    const [first] = violations
    if (first?.code === undefined || !isProblemCode(first.code)) return { text: message }
    const problem = { code: first.code, params: first.params ?? {} }
    return refusedBy(say('hook_input', { input: first.field.replace(/^inputs\./, ''), problem }))
  }
}
