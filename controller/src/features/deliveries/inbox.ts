// The inbox: what a forge sends is stored as it came before it is answered, once by its name, and the last hundred are kept.
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Db, EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { RepositoryRow } from '../repositories/index.ts'
import { RepositoryDeliveryEntity, type RepositoryDeliveryRow } from './delivery.entity.ts'

export const mostDeliveries = 100
/** Of one repository, so that a stranger who guesses at its secret does not push out what is worth looking at. */
const mostRefused = 10

const zip = promisify(gzip)
const unzip = promisify(gunzip)

export interface NewDelivery {
  repository: Pick<RepositoryRow, 'id' | 'projectId'>
  name: string | null
  event: string
  headers: [name: string, value: string][]
  body: Uint8Array
  receivedAt: Date
  answeredMs: number
  repeats: string | null
  /** It came to the address of the connection. */
  byApp?: boolean
}

/** `again`: it has come before. `also`: what is written with it. */
export async function keepDelivery(
  { db }: { db: Db },
  delivery: NewDelivery,
  also?: (em: EntityManager) => Promise<void>,
): Promise<{ id: string; again: boolean }> {
  const row = await deliveryRow(delivery)
  try {
    // One statement where nothing else is written: the sender waits for it, and it waits for nobody.
    if (!also) await db.em().insert(RepositoryDeliveryEntity, row)
    else
      await db.transaction(async (em) => {
        await em.insert(RepositoryDeliveryEntity, row)
        await also(em)
      })
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error
    const { repositoryId, name } = row
    const first = await db.em().findOne(RepositoryDeliveryEntity, { repositoryId, name }, { fields: ['id'] })
    if (!first) throw error
    return { id: first.id, again: true }
  }
  return { id: row.id, again: false }
}

export async function deliveryRow(delivery: NewDelivery): Promise<RepositoryDeliveryRow> {
  const result = RepositoryDeliveryResult.TAKEN
  return { ...rowOf(delivery), body: await zip(delivery.body), result, nextAt: delivery.receivedAt }
}

/** The same once more. */
export async function repeatOf(row: RepositoryDeliveryRow, repository: RepositoryRow, at: Date) {
  return deliveryRow({
    repository,
    name: null,
    event: row.event,
    headers: JSON.parse(row.headers) as [string, string][],
    body: await bodyOf(row),
    receivedAt: at,
    answeredMs: 0,
    repeats: row.id,
    byApp: row.byApp,
  })
}

/** Of what was not signed rightly there is a note, without its body. */
export async function noteRefused(db: Db, delivery: NewDelivery, problem: string, said: string): Promise<void> {
  const repositoryId = delivery.repository.id
  const result = RepositoryDeliveryResult.REFUSED
  await db.transaction(async (em) => {
    const row = { ...rowOf(delivery), name: null, body: null, nextAt: null, result, problem, said }
    await em.insert(RepositoryDeliveryEntity, row)
    const where = { repositoryId, result, body: null }
    const page = { orderBy: { id: 'desc' as const }, offset: mostRefused, limit: mostRefused, fields: ['id' as const] }
    const old = await em.find(RepositoryDeliveryEntity, where, page)
    if (old.length > 0) await em.nativeDelete(RepositoryDeliveryEntity, { id: { $in: old.map(({ id }) => id) } })
  })
}

export async function bodyOf({ body }: Pick<RepositoryDeliveryRow, 'body'>): Promise<Buffer> {
  return body ? unzip(body) : Buffer.alloc(0)
}

function rowOf({
  repository,
  name,
  event,
  headers,
  body,
  receivedAt,
  answeredMs,
  repeats,
  byApp = false,
}: NewDelivery) {
  return {
    byApp,
    id: uuidv7(),
    repositoryId: repository.id,
    projectId: repository.projectId,
    receivedAt,
    name: name?.slice(0, 255) ?? null,
    event: event.slice(0, 128),
    headers: JSON.stringify(headers),
    size: body.length,
    answeredMs,
    repeats,
    attempts: 0,
    ref: '',
    commit: '',
    sender: '',
    untrusted: false,
    decisions: '[]',
    problem: '',
    said: null,
  }
}

/** What is not decided stays, by us or by whoever may trust it, however many there are. */
export async function forgetOld(em: EntityManager, repositoryId: string): Promise<void> {
  const old = await em.find(
    RepositoryDeliveryEntity,
    { repositoryId, nextAt: null, result: { $ne: RepositoryDeliveryResult.WAITS } },
    { orderBy: { id: 'desc' }, offset: mostDeliveries, limit: mostDeliveries, fields: ['id'] },
  )
  if (old.length > 0) await em.nativeDelete(RepositoryDeliveryEntity, { id: { $in: old.map(({ id }) => id) } })
}
