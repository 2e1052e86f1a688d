// ConnectionService.
import { AppError, conflict, invalidField, notFound, precondition } from '@ansflow/proto/errors'
import {
  type Connection,
  ConnectionSchema,
  ConnectionService,
  type CreateConnectionRequest,
  CredentialKind,
  type ForgeRepository as ForgeRepositoryMessage,
  ForgeRepositorySchema,
} from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Clock } from '../../platform/clock.ts'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { readName } from '../../platform/request-name.ts'
import {
  type CallContext,
  organizationOf,
  personOf,
  projectOf,
  type ServiceTable,
  serviceTable,
} from '../../transport/call.ts'
import { authorize } from '../access/index.ts'
import { ConnectionEntity, type ConnectionRow } from './connection.entity.ts'
import { type Connections, refusedBy } from './connections.ts'
import type { ForgeRepository } from './forge.ts'
import { forgeOf } from './kinds.ts'
import {
  hasHookSecret,
  kindOfCredentials,
  readCredentials,
  readForgeUrl,
  readKind,
  withHookSecret,
} from './read-connection.ts'

/** What is connected, kept by whoever keeps repositories. */
export interface ConnectedRepositories {
  /** How many by each of these connections. */
  count(em: EntityManager, connectionIds: readonly string[]): Promise<Map<string, number>>
  /** In which projects, by name. */
  projects(em: EntityManager, connectionIds: readonly string[]): Promise<ConnectedIn[]>
  /** Of a project, by full name: the repositories that it has by this connection. */
  ids(em: EntityManager, projectId: string, connectionId: string): Promise<Map<string, string>>
}

export interface ConnectedIn {
  connectionId: string
  projectId: string
  projectName: string
  projectSlug: string
  repositoryCount: number
}

/** What is asked for, in a project or not. */
type NewConnection = Pick<CreateConnectionRequest, 'name' | 'kind' | 'url' | 'credentials' | 'hookSecret'>

interface Deps {
  clock: Clock
  connections: Connections
  connected: () => ConnectedRepositories
}

export function connectionsApi({ clock, connections, connected }: Deps): ServiceTable {
  return serviceTable(ConnectionService, {
    async listConnections(_request, ctx) {
      return { connections: await listed(ctx, [projectOf(ctx), organizationOf(ctx)]) }
    },

    async listOrganizationConnections(_request, ctx) {
      const all = await listed(ctx, [organizationOf(ctx)])
      const projects = await connected().projects(
        ctx.em,
        all.map(({ id }) => id),
      )
      return { connections: all, projects }
    },

    async createConnection(request, ctx) {
      const projectId = request.forOrganization ? null : projectOf(ctx)
      if (projectId === null) authorize(ctx.caller, 'repository.manage', { organizationId: organizationOf(ctx) })
      return { connection: await make(ctx, projectId, request) }
    },

    async createOrganizationConnection(request, ctx) {
      return { connection: await make(ctx, null, request) }
    },

    async updateConnection(request, ctx) {
      const row = await load(ctx, request.connectionId)
      const url = request.url === '' ? row.url : readForgeUrl(row.kind, request.url)
      const name = request.name === '' ? row.name : readName(request.name)
      const isNew = request.credentials !== undefined
      if (url !== row.url && !isNew && row.credentialKind !== kindOfCredentials({ kind: 'none' })) {
        const message = 'must come with a new address: they are not sent to a place they were not given for'
        throw invalidField('credentials', message, 'connection_secret_again')
      }
      const { credentials: before } = await connections.open(ctx.em, row)
      const given = isNew ? readCredentials(row.kind, request.credentials) : before
      const credentials = withHookSecret(given, request.hookSecret, before)
      const health =
        isNew || url !== row.url ? await connections.tryOut({ kind: row.kind, url }, credentials, ctx.signal) : {}
      const isOtherHook = request.hookSecret !== undefined
      const changes = {
        name,
        url,
        ...(isNew && { credentialKind: kindOfCredentials(credentials), deploymentsProblem: '' }),
        ...((isNew || isOtherHook) && { hookSecretSet: hasHookSecret(credentials) }),
        ...(isOtherHook && { hookDeliveredAt: null, hookRefusedAt: null }),
        ...health,
      }
      const used = await repositoriesOf(ctx.em, row)
      await ctx
        .change(async (em) => {
          await em.nativeUpdate(ConnectionEntity, { id: row.id }, changes)
          if (isNew) await connections.keep(em, row.id, credentials)
          else if (isOtherHook) {
            // Somebody may have given others meanwhile.
            const { credentials: now } = await connections.open(em, row)
            await connections.keep(em, row.id, withHookSecret(now, request.hookSecret, now))
          }
          const changed = { ...(isNew && { credentials: 'changed' }), ...(isOtherHook && { hookSecret: 'changed' }) }
          const after = { ...said({ ...row, ...changes }), ...changed }
          return { result: undefined, resource: resourceOf({ ...row, name }), before: said(row), after }
        })
        .catch((error: unknown) => {
          throw nameTaken(error, name)
        })
      return { connection: toConnection({ ...row, ...changes }, used) }
    },

    async deleteConnection({ connectionId }, ctx) {
      await ctx.change(async (em) => {
        const row = await load(ctx, connectionId, em)
        const used = await repositoriesOf(em, row)
        if (used > 0) {
          const message = `${used} repositories are connected by it. Disconnect them first.`
          throw precondition('connection_used', message, { count: String(used) })
        }
        await em.nativeDelete(ConnectionEntity, { id: row.id })
        await connections.forget(em, [row.id])
        return { result: undefined, resource: resourceOf(row), before: said(row) }
      })
      return {}
    },

    async testConnection({ connectionId }, ctx) {
      const row = await load(ctx, connectionId)
      const { credentials } = await connections.open(ctx.em, row)
      const health = await connections.tryOut(row, credentials, ctx.signal).catch((error: unknown) => ({
        checkedAt: clock.now(),
        problem: problemOf(error),
      }))
      const used = await repositoriesOf(ctx.em, row)
      await ctx.change(async (em) => {
        await em.nativeUpdate(ConnectionEntity, { id: row.id }, health)
        return { result: undefined, resource: resourceOf(row), after: { problem: health.problem } }
      })
      return { connection: toConnection({ ...row, ...health }, used) }
    },

    async searchForgeRepositories({ connectionId, text }, ctx) {
      const row = await load(ctx, connectionId)
      const connection = await connections.open(ctx.em, row)
      if (!connection.client.search) {
        throw precondition('forge_cannot', 'This kind of server lists no repositories: give the name of one.')
      }
      const found = await connection
        .ask((client, signal) => client.search!(text.slice(0, 100), signal), ctx.signal)
        .catch((error: unknown) => {
          throw refusedBy(error)
        })
      const ids = row.projectId ? await connected().ids(ctx.em, row.projectId, row.id) : new Map<string, string>()
      return { repositories: found.map((each) => toForgeRepository(each, ids.get(each.fullName) ?? '')) }
    },
  })

  /** Of these scopes, by name. */
  async function listed({ em }: CallContext, scopeIds: string[]): Promise<Connection[]> {
    const rows = await em.find(
      ConnectionEntity,
      { scopeId: { $in: scopeIds } },
      { orderBy: { name: 'asc', id: 'asc' } },
    )
    const ids = rows.map((row) => row.id)
    const counts = await connected().count(em, ids)
    return rows.map((row) => toConnection(row, counts.get(row.id) ?? 0))
  }

  /** `projectId`: null for one of the organization. */
  async function make(ctx: CallContext, projectId: string | null, request: NewConnection): Promise<Connection> {
    const organizationId = organizationOf(ctx)
    const kind = readKind(request.kind)
    const asked = { kind, url: readForgeUrl(kind, request.url) }
    const name = readName(request.name)
    const given = readCredentials(kind, request.credentials)
    const credentials = withHookSecret(given, request.hookSecret, given)
    const health = await connections.tryOut(asked, credentials, ctx.signal)
    const row: ConnectionRow = {
      id: uuidv7(),
      organizationId,
      projectId,
      scopeId: projectId ?? organizationId,
      name,
      ...asked,
      credentialKind: kindOfCredentials(credentials),
      ...health,
      deploymentsProblem: '',
      restsUntil: null,
      hookSecretSet: hasHookSecret(credentials),
      hookDeliveredAt: null,
      hookRefusedAt: null,
      createdByName: personOf(ctx).name.slice(0, 255),
      createdAt: clock.now(),
    }
    await ctx
      .change(async (em) => {
        await em.insert(ConnectionEntity, row)
        await connections.keep(em, row.id, credentials)
        return { result: undefined, resource: resourceOf(row), after: said(row) }
      })
      .catch((error: unknown) => {
        throw nameTaken(error, name)
      })
    return toConnection(row, 0)
  }

  async function repositoriesOf(em: EntityManager, { id }: ConnectionRow): Promise<number> {
    return (await connected().count(em, [id])).get(id) ?? 0
  }

  async function load(ctx: CallContext, id: string, em = ctx.em): Promise<ConnectionRow> {
    const row = await connections.find(em, id)
    if (!row) throw notFound('connection', id)
    return row
  }
}

/** Of those that are answers of the forge, or say that it gives none: whoever tests wants to know, and it is kept. */
function problemOf(error: unknown): string {
  const isAnswer = error instanceof AppError && ['failed_precondition', 'resource_exhausted'].includes(error.code)
  if (!isAnswer) throw error
  return error.message.slice(0, 512)
}

function nameTaken(error: unknown, name: string): unknown {
  if (!(error instanceof UniqueConstraintViolationException)) return error
  return conflict('name_taken', `There is a connection "${name}" already.`, { name })
}

function resourceOf({ id, name }: ConnectionRow) {
  return { kind: 'connection', id, name }
}

/** For the audit. */
function said({ name, url, kind }: ConnectionRow) {
  return { name, url, kind: forgeOf(kind).name }
}

function toConnection(row: ConnectionRow, repositoryCount: number): Connection {
  const { id, name, kind, url, credentialKind, account, scopes, problem, createdByName } = row
  return create(ConnectionSchema, {
    id,
    name,
    kind,
    url,
    projectId: row.projectId ?? '',
    credentialKind,
    account,
    scopes: scopes === '' ? [] : scopes.split(' '),
    ...(row.expiresAt && { expiresAt: timestampFromDate(row.expiresAt) }),
    ...(row.checkedAt && { checkedAt: timestampFromDate(row.checkedAt) }),
    problem,
    deploymentsProblem: row.deploymentsProblem ?? '',
    repositoryCount,
    createdByName,
    createdAt: timestampFromDate(row.createdAt),
    abilities: [...forgeOf(kind).can],
    hookPath: credentialKind === CredentialKind.APP ? hookPath(row) : '',
    hookSecretSet: row.hookSecretSet,
    ...(row.hookDeliveredAt && { hookDeliveredAt: timestampFromDate(row.hookDeliveredAt) }),
    ...(row.hookRefusedAt && { hookRefusedAt: timestampFromDate(row.hookRefusedAt) }),
  })
}

function hookPath({ id }: ConnectionRow): string {
  return `/hooks/connections/${id}`
}

function toForgeRepository(found: ForgeRepository, repositoryId: string): ForgeRepositoryMessage {
  const { fullName, webUrl, defaultBranch, isPrivate, description } = found
  const told = { fullName, webUrl, defaultBranch, description: description.slice(0, 500) }
  return create(ForgeRepositorySchema, { ...told, private: isPrivate, repositoryId })
}
