// Connections: found, let in by their credentials, and what became of it kept.
import { AppError, precondition } from '@ansflow/proto/errors'
import type { Clock } from '../../platform/clock.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import type { Outbound } from '../../platform/outbound.ts'
import type { SealedValues } from '../secrets/index.ts'
import { ConnectionEntity, type ConnectionRow } from './connection.entity.ts'
import { type Forge, type ForgeClient, type ForgeCredentials, ForgeError } from './forge.ts'
import { forgeOf } from './kinds.ts'

/** What it is asked is not waited for longer. A call asks twice at most, which must end before another one with its key may take it over. */
const forgePatienceMs = 7000
/** Where too much was asked and the forge does not say until when. */
const usualRestMs = 60_000
const minuteMs = 60_000

export interface Connections {
  find(em: EntityManager, id: string): Promise<ConnectionRow | undefined>
  open(em: EntityManager, connection: ConnectionRow): Promise<OpenConnection>
  /** What the forge says of these credentials; throws `failed_precondition` "forge_refused" or "forge_unreachable". */
  tryOut(
    asked: Pick<ConnectionRow, 'kind' | 'url'>,
    credentials: ForgeCredentials,
    signal: AbortSignal,
  ): Promise<Pick<ConnectionRow, 'account' | 'scopes' | 'expiresAt' | 'checkedAt' | 'problem'>>
  keep(em: EntityManager, id: string, credentials: ForgeCredentials): Promise<void>
  /** Of the hook of an app; empty: it has none that is known. */
  hookSecret(em: EntityManager, connection: ConnectionRow): Promise<string>
  /** Something has come to the hook. To the minute: what comes often is not written as often. */
  hookTold(connection: ConnectionRow, was: 'delivered' | 'refused'): Promise<void>
  forget(em: EntityManager, ids: readonly string[]): Promise<void>
}

type Question<T> = (client: ForgeClient, signal: AbortSignal) => Promise<T>

export interface OpenConnection {
  row: ConnectionRow
  forge: Forge
  client: ForgeClient
  credentials: ForgeCredentials
  /** Asks the forge; whether it lets us in is kept as the connection's health. Throws `ForgeError`. */
  ask<T>(question: Question<T>, signal?: AbortSignal): Promise<T>
  /** The same for what the credentials may lack a permission for although all else goes well: that is kept apart. */
  record<T>(question: Question<T>, signal?: AbortSignal): Promise<T>
}

interface Deps {
  db: Db
  clock: Clock
  outbound: Outbound
  sealedValues: SealedValues
}

export function createConnections({ db, clock, outbound, sealedValues }: Deps): Connections {
  const owner = (ownerId: string) => ({ ownerId, kind: 'connection' })
  const clientOf = ({ kind, url }: Pick<ConnectionRow, 'kind' | 'url'>, credentials: ForgeCredentials) =>
    forgeOf(kind).client({ url, credentials, outbound })

  return {
    async find(em, id) {
      return (await em.findOne(ConnectionEntity, { id })) ?? undefined
    },

    async open(em, row) {
      const credentials = await credentialsOf(em, row)
      const client = clientOf(row, credentials)
      async function asked<T>(question: Question<T>, signal: AbortSignal | undefined): Promise<T> {
        const { restsUntil } = row
        if (restsUntil && restsUntil > clock.now()) {
          throw new ForgeError('limited', `${forgeOf(row.kind).name} has asked to wait.`, restsUntil)
        }
        const patience = AbortSignal.timeout(forgePatienceMs)
        try {
          return await question(client, signal ? AbortSignal.any([signal, patience]) : patience)
        } catch (error) {
          if (error instanceof ForgeError && error.fault === 'limited') await rest(row, error.retryAt)
          throw error
        }
      }
      return {
        row,
        forge: forgeOf(row.kind),
        client,
        credentials,
        async ask(question, signal) {
          const answer = await asked(question, signal).catch(async (error: unknown) => {
            if (error instanceof ForgeError && error.fault === 'denied') await noteHealth(row, error.message)
            throw error
          })
          if (row.problem !== '') await noteHealth(row, '')
          return answer
        },
        async record(question, signal) {
          const answer = await asked(question, signal).catch(async (error: unknown) => {
            if (error instanceof ForgeError && error.fault === 'denied') await noteDeployments(row, error.message)
            throw error
          })
          if (row.deploymentsProblem !== '') await noteDeployments(row, '')
          return answer
        },
      }
    },

    async tryOut(asked, credentials, signal) {
      const client = clientOf(asked, credentials)
      const patience = AbortSignal.any([signal, AbortSignal.timeout(forgePatienceMs)])
      const { name, scopes, expiresAt } = await client.whoAmI(patience).catch((error: unknown) => {
        if (!(error instanceof ForgeError) || error.fault !== 'missing') throw refusedBy(error)
        // Whoever asks who they are asks for no repository: it is another kind of server, or it is elsewhere.
        throw precondition('forge_elsewhere', error.message, { forge: forgeOf(asked.kind).name, detail: error.message })
      })
      return {
        account: name.slice(0, 255),
        scopes: scopes.join(' ').slice(0, 1024),
        expiresAt: expiresAt ?? null,
        checkedAt: clock.now(),
        problem: '',
      }
    },

    keep: (em, id, credentials) => sealedValues.put(em, owner(id), JSON.stringify(credentials)),

    async hookSecret(em, row) {
      const credentials = await credentialsOf(em, row)
      return (credentials.kind === 'app' && credentials.hookSecret) || ''
    },

    async hookTold({ id, ...row }, was) {
      const minute = new Date(Math.floor(clock.now().getTime() / minuteMs) * minuteMs)
      const field = was === 'delivered' ? 'hookDeliveredAt' : 'hookRefusedAt'
      const known = row[field]
      if (known && known >= minute) return
      const earlier = { $or: [{ [field]: null }, { [field]: { $lt: minute } }] }
      await db.em().nativeUpdate(ConnectionEntity, { id, ...earlier }, { [field]: minute })
    },

    forget: (em, ids) => sealedValues.remove(em, ids),
  }

  async function credentialsOf(em: EntityManager, { id }: ConnectionRow): Promise<ForgeCredentials> {
    const sealed = await sealedValues.read(em, owner(id))
    return sealed === undefined ? noCredentials : (JSON.parse(sealed) as ForgeCredentials)
  }

  /** Whoever asks by this connection, here or in another controller, waits too. */
  async function rest(row: ConnectionRow, until: Date | undefined): Promise<void> {
    const restsUntil = until ?? new Date(clock.now().getTime() + usualRestMs)
    row.restsUntil = restsUntil
    await db
      .em()
      .nativeUpdate(ConnectionEntity, { id: row.id }, { restsUntil })
      .catch(() => undefined)
  }

  function noteHealth(row: ConnectionRow, problem: string): Promise<void> {
    return note(row, { problem: problem.slice(0, 512), checkedAt: clock.now() })
  }

  function noteDeployments(row: ConnectionRow, problem: string): Promise<void> {
    return note(row, { deploymentsProblem: problem.slice(0, 512) })
  }

  /** Health is for people who look: that it could not be written must not spoil what was asked. */
  async function note(row: ConnectionRow, health: Partial<ConnectionRow>): Promise<void> {
    Object.assign(row, health)
    await db
      .em()
      .nativeUpdate(ConnectionEntity, { id: row.id }, health)
      .catch(() => undefined)
  }
}

const noCredentials: ForgeCredentials = { kind: 'none' }

/** As a call answers it. */
export function refusedBy(error: unknown): AppError {
  if (!(error instanceof ForgeError)) throw error
  const { fault, message, about } = error
  const detail = { detail: message }
  if (about) {
    const { why, host } = about
    if (why === 'not_public') return precondition('forge_not_public', message, { host })
    if (why === 'unknown_host') return precondition('forge_unknown_host', message, { host })
    return precondition('forge_unconnected', message, { host, ...detail })
  }
  if (fault === 'missing') return precondition('forge_missing', message, detail)
  if (fault === 'unreachable') return precondition('forge_unreachable', message, detail)
  if (fault === 'limited') {
    const seconds = error.retryAt ? Math.max(1, Math.ceil((error.retryAt.getTime() - Date.now()) / 1000)) : 60
    return new AppError('resource_exhausted', message, {
      reason: 'forge_limited',
      params: { retry_after: String(seconds), ...detail },
    })
  }
  return precondition('forge_refused', message, detail)
}
