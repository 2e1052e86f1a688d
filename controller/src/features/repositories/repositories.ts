// Repositories: found, read through a copy of them, and looked at anew.
import { notFound } from '@ansflow/proto/errors'
import type { Clock } from '../../platform/clock.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import { GitError, type GitMirror, type GitMirrors } from '../../platform/git/git.ts'
import type { Connections, GitCredentials, OpenConnection } from '../forges/index.ts'
import { RepositoryEntity, RepositoryRefsEntity, type RepositoryRow } from './repository.entity.ts'

export interface Repositories {
  /** Throws `not_found`. */
  load(em: EntityManager, id: string): Promise<RepositoryRow>
  find(em: EntityManager, id: string): Promise<RepositoryRow | undefined>
  /** By repository; those that are gone have none. */
  connectionIds(em: EntityManager, ids: readonly string[]): Promise<Map<string, string>>
  /** Those of projects that a connection reaches by this name. */
  named(em: EntityManager, connectionId: string, fullName: string): Promise<RepositoryRow[]>
  connectionOf(em: EntityManager, row: RepositoryRow): Promise<OpenConnection>
  /** What lets git read it, and with `isPush` push to it; undefined: it needs nothing. Throws `ForgeError`. */
  credentialsOf(row: RepositoryRow, signal?: AbortSignal, isPush?: boolean): Promise<GitCredentials | undefined>
  /** Nothing is asked yet. */
  mirrorOf(row: RepositoryRow): GitMirror
  /** Brings what is there now, and keeps how that went. Throws `GitError`. */
  fetch(row: RepositoryRow, signal: AbortSignal, news?: string): Promise<void>
  /** It is to be looked at, now. */
  lookSoon(em: EntityManager, id: string): Promise<void>
  forget(ids: readonly string[]): Promise<void>
  /** The forge was told something; `problem`: it did not take it, and why. */
  told(id: string, problem: string): Promise<void>
  /** Something has come. */
  delivered(em: EntityManager, id: string, at: Date): Promise<void>
  /** Commits by full names of branches and tags, as they were kept; undefined: they never were. */
  knownRefs(em: EntityManager, id: string): Promise<Map<string, string> | undefined>
  keepRefs(em: EntityManager, row: RepositoryRow, refs: ReadonlyMap<string, string>): Promise<void>
  /** Those that are to be looked at, each of them by whoever gets it here; one that is not looked at is given again later. */
  takeDue(but: readonly string[]): AsyncIterable<RepositoryRow>
  /** Those that are to be looked at at no time are, so long from now. */
  lookLater(ids: readonly string[], waitMs: number): Promise<void>
  /** It could not be read: so long from now. False: that is no sooner than it is given again. */
  lookAgain(row: RepositoryRow, waitMs: number): Promise<boolean>
  /** It was looked at. */
  looked(row: RepositoryRow, found: Pick<RepositoryRow, 'headCommit' | 'defaultBranch'>): Promise<void>
}

interface Deps {
  db: Db
  clock: Clock
  connections: Connections
  mirrors: GitMirrors
}

/** One that could not be read is looked at again. */
const retryMs = 60_000
/** Projects of an organization that build the same. */
const mostNamed = 100
/** At one look. */
const mostDue = 20

export function createRepositories({ db, clock, connections, mirrors }: Deps): Repositories {
  const repositories: Repositories = {
    async load(em, id) {
      const row = await repositories.find(em, id)
      if (!row) throw notFound('repository', id)
      return row
    },

    async find(em, id) {
      return (await em.findOne(RepositoryEntity, { id })) ?? undefined
    },

    async connectionIds(em, ids) {
      const found = await em.find(RepositoryEntity, { id: { $in: [...ids] } }, { fields: ['connectionId'] })
      return new Map(found.map(({ id, connectionId }) => [id, connectionId]))
    },

    async named(em, connectionId, fullName) {
      return em.find(RepositoryEntity, { connectionId, fullName }, { orderBy: { id: 'asc' }, limit: mostNamed })
    },

    async connectionOf(em, row) {
      const connection = await connections.find(em, row.connectionId)
      if (!connection) throw notFound('connection', row.connectionId)
      return connections.open(em, connection)
    },

    async credentialsOf(row, signal, isPush) {
      const connection = await repositories.connectionOf(db.em(), row)
      return connection.ask((client, until) => client.gitCredentials(row.fullName, until, isPush), signal)
    },

    mirrorOf: (row) =>
      mirrors.open({
        id: row.id,
        url: row.cloneUrl,
        async access(signal, isPush) {
          const found = await repositories.credentialsOf(row, signal, isPush)
          if (!found) return { kind: 'none' }
          if (found.kind === 'password') return found
          return { kind: 'ssh', sshKey: found.privateKey, knownHosts: found.knownHosts }
        },
      }),

    async fetch(row, signal, news) {
      const tell = (said: Partial<RepositoryRow>) => {
        Object.assign(row, said)
        return db.em().nativeUpdate(RepositoryEntity, { id: row.id }, said)
      }
      try {
        await repositories.mirrorOf(row).fetch(signal, news)
      } catch (error) {
        if (error instanceof GitError && error.fault !== 'aborted') {
          await tell({ readProblem: error.message.slice(0, 512) })
        }
        throw error
      }
      await tell({ readAt: clock.now(), readProblem: '' })
    },

    async lookSoon(em, id) {
      await em.nativeUpdate(RepositoryEntity, { id }, { lookAt: clock.now() })
    },

    async forget(ids) {
      for (const id of ids) await mirrors.forget(id)
    },

    async told(id, problem) {
      const news = problem === '' ? { toldAt: clock.now(), tellProblem: '' } : { tellProblem: problem.slice(0, 512) }
      await db.em().nativeUpdate(RepositoryEntity, { id }, news)
    },

    async delivered(em, id, at) {
      const earlier = { $or: [{ lastDeliveryAt: null }, { lastDeliveryAt: { $lt: at } }] }
      await em.nativeUpdate(RepositoryEntity, { id, ...earlier }, { lastDeliveryAt: at })
    },

    async knownRefs(em, id) {
      const row = await em.findOne(RepositoryRefsEntity, { repositoryId: id })
      return row ? new Map(Object.entries(JSON.parse(row.refs) as Record<string, string>)) : undefined
    },

    async keepRefs(em, { id, projectId }, refs) {
      const text = JSON.stringify(Object.fromEntries(refs))
      await em.nativeDelete(RepositoryRefsEntity, { repositoryId: id })
      await em.insert(RepositoryRefsEntity, { repositoryId: id, projectId, refs: text })
    },

    async *takeDue(but) {
      const now = clock.now()
      const rows = await db
        .em()
        .find(
          RepositoryEntity,
          { lookAt: { $lte: now }, id: { $nin: [...but] } },
          { orderBy: { lookAt: 'asc' }, limit: mostDue },
        )
      for (const row of rows) {
        const later = { lookAt: new Date(clock.now().getTime() + retryMs) }
        const where = { id: row.id, lookAt: row.lookAt ?? null }
        if ((await db.em().nativeUpdate(RepositoryEntity, where, later)) === 1) yield { ...row, ...later }
      }
    },

    async lookLater(ids, waitMs) {
      const lookAt = new Date(clock.now().getTime() + waitMs)
      await db.em().nativeUpdate(RepositoryEntity, { id: { $in: [...ids] }, lookAt: null }, { lookAt })
    },

    async lookAgain({ id, lookAt }, waitMs) {
      if (waitMs >= retryMs) return false
      const next = { lookAt: new Date(clock.now().getTime() + waitMs) }
      return (await db.em().nativeUpdate(RepositoryEntity, { id, lookAt: lookAt ?? null }, next)) === 1
    },

    async looked(row, found) {
      const { pollSeconds, id } = row
      const lookAt = pollSeconds > 0 ? new Date(clock.now().getTime() + pollSeconds * 1000) : null
      await db.em().nativeUpdate(RepositoryEntity, { id }, found)
      Object.assign(row, found)
      // Somebody may have asked for another look meanwhile.
      await db.em().nativeUpdate(RepositoryEntity, { id, lookAt: row.lookAt ?? null }, { lookAt })
    },
  }
  return repositories
}
