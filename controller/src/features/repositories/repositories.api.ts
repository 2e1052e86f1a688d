// RepositoryService.
import { conflict, invalidField, notFound } from '@ansflow/proto/errors'
import {
  CommentPolicy,
  ForkFiles,
  ForkPolicy,
  type Repository,
  RepositoryService,
  StatusDetail,
} from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keys } from '../../platform/crypto.ts'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import {
  type CallContext,
  organizationOf,
  personOf,
  projectOf,
  type ServiceTable,
  serviceTable,
} from '../../transport/call.ts'
import { type Connections, ForgeError, type OpenConnection, refusedBy } from '../forges/index.ts'
import { hookSecret, newHookMark, putHook } from './hook.ts'
import { type RepositoryCounts, toRepository } from './present-repository.ts'
import type { Repositories } from './repositories.ts'
import { RepositoryEntity, type RepositoryRow } from './repository.entity.ts'
import type { RepositoryContents } from './repository-contents.ts'

interface Deps {
  bus: Bus
  clock: Clock
  keys: Keys
  publicUrl: () => string
  connections: Connections
  repositories: Repositories
  contents: RepositoryContents
  counts(em: EntityManager, ids: readonly string[]): Promise<Map<string, RepositoryCounts>>
  /** Inside the transaction that takes it away. */
  release(em: EntityManager, repositoryId: string): Promise<void>
}

export function repositoriesApi(deps: Deps): ServiceTable {
  const { bus, clock, keys, publicUrl, connections, repositories, contents, counts } = deps
  return serviceTable(RepositoryService, {
    async listRepositories(_request, ctx) {
      const where = { projectId: projectOf(ctx) }
      const rows = await ctx.em.find(RepositoryEntity, where, { orderBy: { fullName: 'asc', id: 'asc' } })
      return { repositories: await presentAll(ctx.em, rows) }
    },

    getRepository: async ({ repositoryId }, ctx) => ({
      repository: await present(ctx.em, await repositories.load(ctx.em, repositoryId)),
    }),

    async connectRepository(request, ctx) {
      const [organizationId, projectId] = [organizationOf(ctx), projectOf(ctx)]
      const fullName = readFullName(request.fullName)
      const connection = await connections.find(ctx.em, request.connectionId)
      const isHere = connection?.organizationId === organizationId && (connection.projectId ?? projectId) === projectId
      if (!connection || !isHere) throw notFound('connection', request.connectionId)
      const open = await connections.open(ctx.em, connection)
      const found = await open
        .ask((client, signal) => client.repository(fullName, signal), ctx.signal)
        .catch((error: unknown) => {
          throw refusedBy(error)
        })
      const row: RepositoryRow = {
        id: ctx.makes ?? uuidv7(),
        organizationId,
        projectId,
        connectionId: connection.id,
        fullName: found.fullName.slice(0, 255),
        cloneUrl: found.cloneUrl,
        webUrl: found.webUrl,
        defaultBranch: found.defaultBranch.slice(0, 255),
        connectedByName: personOf(ctx).name.slice(0, 255),
        connectedAt: clock.now(),
        hookMark: newHookMark(),
        hookMadeAt: clock.now(),
        hookId: '',
        hookProblem: '',
        forks: ForkPolicy.APPROVE,
        forkFiles: ForkFiles.OWN_ONCE_APPROVED,
        pollSeconds: open.client.putHook ? 0 : 60,
        lookAt: clock.now(),
        tells: open.client.putStatus !== undefined,
        statusDetail: StatusDetail.PIPELINES,
        // A comment is mailed to everybody who follows the request: without being asked for, only where nothing else would say it.
        comments: open.client.putComment && !open.client.putStatus ? CommentPolicy.ON_FAILURE : CommentPolicy.OFF,
        toldAt: null,
        tellProblem: '',
        readAt: null,
        headCommit: '',
        readProblem: '',
        lastDeliveryAt: null,
      }
      const where = { projectId, connectionId: connection.id, fullName: row.fullName }
      if ((await ctx.em.count(RepositoryEntity, where)) > 0) throw connectedAlready(row)
      // The forge first: one that is connected has its hook, and what is not connected leaves none behind.
      Object.assign(row, await putHook(open, row, { keys, publicUrl: publicUrl() }, ctx.signal))
      await ctx
        .change(async (em) => {
          await em.insert(RepositoryEntity, row)
          return { result: undefined, resource: resourceOf(row), after: { name: row.fullName, url: row.cloneUrl } }
        })
        .catch(async (error: unknown) => {
          // Where it is not known whether it is connected, the hook stays: it is needed, or answered 404.
          if (!(error instanceof UniqueConstraintViolationException)) throw error
          await takeHookAway(row, open, ctx)
          throw connectedAlready(row)
        })
      bus.publish('repository.due', {})
      return { repository: toRepository(row, none), ...byHand(row) }
    },

    async disconnectRepository({ repositoryId }, ctx) {
      const row = await repositories.load(ctx.em, repositoryId)
      const connection = await connections.find(ctx.em, row.connectionId)
      const open = connection && (await connections.open(ctx.em, connection))
      await ctx.change(async (em) => {
        const gone = await em.nativeDelete(RepositoryEntity, { id: row.id })
        if (gone === 0) throw notFound('repository', row.id)
        await deps.release(em, row.id)
        return { result: undefined, resource: resourceOf(row), before: { name: row.fullName, url: row.cloneUrl } }
      })
      await repositories.forget([row.id])
      if (open) await takeHookAway(row, open, ctx)
      return {}
    },

    async updateRepository(request, ctx) {
      const { repositoryId, forks, forkFiles, pollSeconds, tells, statusDetail, comments } = request
      const changes = {
        ...(forks in ForkPolicy && forks !== ForkPolicy.UNSPECIFIED && { forks }),
        ...(forkFiles in ForkFiles && forkFiles !== ForkFiles.UNSPECIFIED && { forkFiles }),
        ...(pollSeconds !== undefined && readPoll(pollSeconds, clock.now())),
        ...(tells !== undefined && { tells }),
        ...(statusDetail in StatusDetail && statusDetail !== StatusDetail.UNSPECIFIED && { statusDetail }),
        ...(comments in CommentPolicy && comments !== CommentPolicy.UNSPECIFIED && { comments }),
      }
      const counted = (await counts(ctx.em, [repositoryId])).get(repositoryId) ?? none
      const row = await ctx.change(async (em) => {
        const found = await repositories.load(em, repositoryId)
        const { forks: wasForks, forkFiles: wasFiles, pollSeconds: wasPoll, tells: wasTells } = found
        const was = { forks: wasForks, forkFiles: wasFiles, pollSeconds: wasPoll, tells: wasTells }
        const before = { ...was, statusDetail: found.statusDetail, comments: found.comments }
        await em.nativeUpdate(RepositoryEntity, { id: found.id }, changes)
        const after = { ...before, ...changes }
        return { result: { ...found, ...changes }, resource: resourceOf(found), before, after }
      })
      return { repository: toRepository(row, counted) }
    },

    async rotateRepositoryHook({ repositoryId }, ctx) {
      const row = await repositories.load(ctx.em, repositoryId)
      const next = { ...row, hookMark: newHookMark(), hookMadeAt: clock.now() }
      const open = await repositories.connectionOf(ctx.em, row)
      // The forge first: a secret that it does not have is worth nothing.
      const set = await putHook(open, next, { keys, publicUrl: publicUrl() }, ctx.signal)
      const changes = { hookMark: next.hookMark, hookMadeAt: next.hookMadeAt, ...set }
      const counted = (await counts(ctx.em, [row.id])).get(row.id) ?? none
      await ctx.change(async (em) => {
        await em.nativeUpdate(RepositoryEntity, { id: row.id }, changes)
        return { result: undefined, resource: resourceOf(row), after: { hook: 'a new secret' } }
      })
      return { repository: toRepository({ ...row, ...changes }, counted), ...byHand({ ...row, ...changes }) }
    },

    async refreshRepository({ repositoryId }, ctx) {
      await ctx.change(async (em) => {
        const row = await repositories.load(em, repositoryId)
        await repositories.lookSoon(em, row.id)
        return { result: undefined, resource: resourceOf(row), after: { look: 'now' } }
      })
      bus.publish('repository.due', {})
      return {}
    },

    listBranches: (request, ctx) => contents.branches(ctx, request),
    listTags: (request, ctx) => contents.tags(ctx, request),
    listPullRequests: (request, ctx) => contents.pullRequests(ctx, request),
    listBrokenPipelines: (request, ctx) => contents.broken(ctx, request),
    listCommits: (request, ctx) => contents.commits(ctx, request),
  })

  /** The secret, where somebody has to set up the hook with it. */
  function byHand(row: RepositoryRow): { hookSecret?: string } {
    return row.hookId === '' ? { hookSecret: hookSecret(keys, row) } : {}
  }

  async function presentAll(em: EntityManager, rows: RepositoryRow[]): Promise<Repository[]> {
    const ids = rows.map((row) => row.id)
    const counted = await counts(em, ids)
    return rows.map((row) => toRepository(row, counted.get(row.id) ?? none))
  }

  async function present(em: EntityManager, row: RepositoryRow): Promise<Repository> {
    const [repository] = await presentAll(em, [row])
    return repository!
  }

  /** One that stays there finds nobody: its deliveries are answered 404. */
  async function takeHookAway(row: RepositoryRow, open: OpenConnection, ctx: CallContext): Promise<void> {
    if (row.hookId === '') return
    await open
      .ask((client, signal) => client.deleteHook!(row.fullName, row.hookId, signal), ctx.signal)
      .catch((error: unknown) => {
        if (!(error instanceof ForgeError)) throw error
        ctx.log.warn({ repository: row.fullName, problem: error.message }, 'a hook could not be taken away')
      })
  }
}

const none: RepositoryCounts = { pipelines: 0, delivered: 0, refused: 0 }

function connectedAlready({ fullName }: RepositoryRow): Error {
  const message = `The project has the repository ${fullName} already.`
  return conflict('repository_connected', message, { name: fullName })
}

function readFullName(text: string): string {
  const name = text.trim().replace(/^\/+|\/+$|\.git$/g, '')
  const parts = name.split('/')
  const isRight = parts.every(
    (part) => /^[\p{L}\p{N}_.~-][\p{L}\p{N}_.~ -]{0,199}$/u.test(part) && !/^\.\.?$/.test(part),
  )
  if (name.length > 255 || !isRight) {
    throw invalidField('full_name', 'must be the name of a repository, such as acme/shop', 'repository_name')
  }
  return name
}

function readPoll(seconds: number, now: Date): Pick<RepositoryRow, 'pollSeconds'> & Partial<RepositoryRow> {
  if (seconds !== 0 && (seconds < 30 || seconds > 86_400)) {
    throw invalidField('poll_seconds', 'must be 0 (never) or 30 to 86400')
  }
  // A look that is due already is taken all the same.
  return { pollSeconds: seconds, ...(seconds > 0 && { lookAt: now }) }
}

function resourceOf({ id, fullName }: RepositoryRow) {
  return { kind: 'repository', id, name: fullName }
}
