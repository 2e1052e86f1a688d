// Tells forges what is to be told, each thing as it is now: what changes meanwhile is told after it, so that the last word is right.
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { type CommitStatus, ForgeError } from '../forges/index.ts'
import { findProject } from '../projects/index.ts'
import type { Repositories } from '../repositories/index.ts'
import { CommitStatusEntity, type CommitStatusRow } from './commit-status.entity.ts'

export interface TellDeps {
  db: Db
  clock: Clock
  log: Logger
  repositories: Repositories
  publicUrl(): string
}

const pageSize = 50
const atOnce = 4
/** Whoever dies over one leaves it to others. */
const leaseMs = 60_000
const mostAttempts = 10
/** What was told is forgotten; a later run tells it anew. */
const keptMs = 7 * 24 * 3_600_000

export function tellForges(deps: TellDeps): (signal: AbortSignal) => Promise<void> {
  return async (signal) => {
    const now = deps.clock.now()
    const due = { nextAt: { $lte: now } }
    const rows = await deps.db
      .em()
      .find(CommitStatusEntity, due, { orderBy: { nextAt: 'asc', id: 'asc' }, limit: pageSize })
    const lane = async () => {
      for (let row = rows.shift(); row && !signal.aborted; row = rows.shift()) await tellOne(deps, row, signal)
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
    const old = { nextAt: null, createdAt: { $lt: new Date(now.getTime() - keptMs) } }
    await deps.db.em().nativeDelete(CommitStatusEntity, old)
  }
}

async function tellOne(deps: TellDeps, row: CommitStatusRow, signal: AbortSignal): Promise<void> {
  const { db, clock, log, repositories } = deps
  const { id, revision, nextAt = null } = row
  const held = { nextAt: new Date(clock.now().getTime() + leaseMs) }
  if ((await db.em().nativeUpdate(CommitStatusEntity, { id, revision, nextAt }, held)) !== 1) return
  const close = (to: Partial<CommitStatusRow>) =>
    db.em().nativeUpdate(CommitStatusEntity, { id, revision, ...held }, to)
  try {
    const repository = await repositories.find(db.em(), row.repositoryId)
    // Whoever starts a run says what it is for.
    if (repository?.tells && repository.projectId === row.projectId) {
      const connection = await repositories.connectionOf(db.em(), repository)
      if (connection.client.putStatus) {
        const { fullName } = repository
        const status = await statusOf(deps, row)
        await connection.ask((client, until) => client.putStatus!(fullName, row.commit, status, until), signal)
        await repositories.told(row.repositoryId, '')
      }
    }
    await close({ nextAt: null })
  } catch (error) {
    if (signal.aborted) return
    if (!(error instanceof ForgeError)) log.warn({ err: error, statusId: id }, 'a forge could not be told yet')
    const problem = error instanceof ForgeError ? error.message : 'There was an error in AnsFlow.'
    await repositories.told(row.repositoryId, problem)
    const attempts = row.attempts + 1
    const isFinal = error instanceof ForgeError && (error.fault === 'refused' || error.fault === 'missing')
    if (isFinal || attempts >= mostAttempts) await close({ nextAt: null, attempts })
    else await close({ nextAt: retryAt(deps, error, attempts), attempts })
  }
}

function retryAt({ clock }: TellDeps, error: unknown, attempts: number): Date {
  const soonest = clock.now().getTime() + Math.min(2000 * 2 ** attempts, 900_000)
  const asked = error instanceof ForgeError ? (error.retryAt?.getTime() ?? 0) : 0
  return new Date(Math.max(soonest, asked))
}

async function statusOf({ db, publicUrl }: TellDeps, row: CommitStatusRow): Promise<CommitStatus> {
  const { name, state, description, summary } = row
  return {
    name: `ansflow/${name}`,
    state: state as CommitStatus['state'],
    description,
    url: publicUrl() + (await pageOf(db, row)),
    ...(summary !== '' && { summary }),
  }
}

/** Where none could begin, that of the commit. */
async function pageOf(db: Db, { runId, repositoryId, projectId, commit }: CommitStatusRow): Promise<string> {
  if (runId !== '') return `/runs/${runId}`
  const project = await findProject(db.em(), projectId)
  return `/p/${project?.slug ?? projectId}/repositories/${repositoryId}/commits/${commit}`
}
