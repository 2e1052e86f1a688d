// Tells forges what is to be told, each thing as it is now and by one at a time: what changes meanwhile is told after it, so that the
// last word is right and no comment is made twice. A forge that does not answer holds up what is to be told to itself alone.
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { type Lanes, type LanesLoop, lanesLoop } from '../../platform/lanes.ts'
import type { Logger } from '../../platform/log.ts'
import { ForgeError, type OpenConnection } from '../forges/index.ts'
import type { PullRequests, Repositories, RepositoryRow } from '../repositories/index.ts'
import { CommitStatusEntity, type CommitStatusRow } from './commit-status.entity.ts'
import { tellComment } from './tell-comment.ts'
import { tellDeploymentOf } from './tell-deployment.ts'
import { tellStatusOf } from './tell-status.ts'

export interface TellDeps {
  db: Db
  clock: Clock
  log: Logger
  repositories: Repositories
  pullRequests: PullRequests
  publicUrl(): string
  /** Something is to be told. */
  wake(): void
}

export interface Telling {
  row: CommitStatusRow
  repository: RepositoryRow
  connection: OpenConnection
  signal: AbortSignal
}

/** Of one forge, before others have their turn. */
const pageSize = 50
/** Connections that are told something at once, and what one of them is told at once. */
const forgesAtOnce = 16
const atOnce = 4
/** Longer than whatever is asked of a forge for one of them. Whoever dies over one leaves it to others. */
const leaseMs = 60_000
/** About a day: they are a quarter of an hour apart after the first ones. */
const mostAttempts = 100

interface Tables {
  commit_status: { repository_id: string; next_at: unknown; held_until: unknown }
}

export function tellForges(deps: TellDeps): LanesLoop {
  const { db, clock, log, repositories } = deps

  async function scan(begun: Lanes, stopping: AbortSignal): Promise<void> {
    for (const [connectionId, ids] of await dueForges()) {
      if (stopping.aborted || begun.isFull) return
      begun.begin(connectionId, () => tellPage(ids, stopping))
    }
  }

  /** Repositories that something is due for, by their connection (empty: they are gone); who has waited longest first. */
  async function dueForges(): Promise<Map<string, string[]>> {
    const now = db.toColumn(clock.now())
    const waiting = await db
      .kysely<Tables>()
      .selectFrom('commit_status')
      .select('repository_id')
      .where('next_at', '<=', now)
      .where((is) => is.or([is('held_until', 'is', null), is('held_until', '<=', now)]))
      .groupBy('repository_id')
      .orderBy((of) => of.fn.min('next_at'))
      .execute()
    const ids = waiting.map((row) => row.repository_id)
    const connections = await repositories.connectionIds(db.em(), ids)
    return Map.groupBy(ids, (id) => connections.get(id) ?? '')
  }

  async function tellPage(repositoryIds: string[], stopping: AbortSignal): Promise<void> {
    const now = clock.now()
    const free = { $or: [{ heldUntil: null }, { heldUntil: { $lte: now } }] }
    const due = { nextAt: { $lte: now }, repositoryId: { $in: repositoryIds }, ...free }
    const page = { orderBy: { nextAt: 'asc' as const, id: 'asc' as const }, limit: pageSize }
    const rows = await db.em().find(CommitStatusEntity, due, page)
    const lane = async () => {
      for (let row = rows.shift(); row && !stopping.aborted; row = rows.shift()) await tellOne(deps, row, stopping)
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
  }

  return lanesLoop({ name: 'statuses', atOnce: forgesAtOnce, log, scan })
}

async function tellOne(deps: TellDeps, row: CommitStatusRow, signal: AbortSignal): Promise<void> {
  const { db, clock, log, repositories } = deps
  const { id, revision, heldUntil = null } = row
  const held = { heldUntil: new Date(clock.now().getTime() + leaseMs) }
  if ((await db.em().nativeUpdate(CommitStatusEntity, { id, revision, heldUntil }, held)) !== 1) return
  try {
    const told = await tell(deps, row, signal)
    await close({ nextAt: null, ...told })
  } catch (error) {
    if (signal.aborted) return close({})
    if (!(error instanceof ForgeError)) log.warn({ err: error, statusId: id }, 'a forge could not be told yet')
    const problem = error instanceof ForgeError ? error.message : 'There was an error in AnsFlow.'
    // That records of deployments are not made is said of the connection.
    const isSaid = error instanceof ForgeError && error.fault === 'denied' && row.deploymentId !== ''
    if (!isSaid) await repositories.told(row.repositoryId, problem)
    // Who has to wait has not tried.
    const attempts = row.attempts + (error instanceof ForgeError && error.fault === 'limited' ? 0 : 1)
    const isFinal = error instanceof ForgeError && (error.fault === 'refused' || error.fault === 'missing')
    if (isFinal || attempts >= mostAttempts) await close({ nextAt: null, attempts })
    else await close({ nextAt: retryAt(deps, error, attempts), attempts })
  }

  /** What has changed meanwhile stays due; what was learned of the forge is kept all the same. */
  async function close({ commentId, ...to }: Partial<CommitStatusRow>): Promise<void> {
    const free = { heldUntil: null, ...(commentId !== undefined && { commentId }) }
    const closed = await db.em().nativeUpdate(CommitStatusEntity, { id, revision, ...held }, { ...to, ...free })
    if (closed === 1) return
    await db.em().nativeUpdate(CommitStatusEntity, { id, ...held }, free)
    deps.wake()
  }
}

async function tell(deps: TellDeps, row: CommitStatusRow, signal: AbortSignal): Promise<Partial<CommitStatusRow>> {
  const { db, repositories } = deps
  const repository = await repositories.find(db.em(), row.repositoryId)
  // Whoever starts a run says what it is for.
  if (repository?.projectId !== row.projectId) return {}
  const connection = await repositories.connectionOf(db.em(), repository)
  const telling = { row, repository, connection, signal }
  const tellIt = row.pullRequest > 0 ? tellComment : row.deploymentId !== '' ? tellDeploymentOf : tellStatusOf
  const told = await tellIt(deps, telling)
  if (told) await repositories.told(row.repositoryId, '')
  return told ?? {}
}

function retryAt({ clock }: TellDeps, error: unknown, attempts: number): Date {
  const soonest = clock.now().getTime() + Math.min(2000 * 2 ** attempts, 900_000)
  const asked = error instanceof ForgeError ? (error.retryAt?.getTime() ?? 0) : 0
  return new Date(Math.max(soonest, asked))
}
