// What is to be told, kept in the transaction that it follows from.
import { CommentPolicy } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { raw, UniqueConstraintViolationException } from '@mikro-orm/core'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { CommitStatus } from '../forges/index.ts'
import type { PullRequests, Repositories } from '../repositories/index.ts'
import { LostRace } from '../runs/index.ts'
import { CommitStatusEntity, type CommitStatusRow } from './commit-status.entity.ts'
import { cutText } from './markdown.ts'
import type { RunReport } from './run-report.ts'

export interface StatusNews extends Pick<CommitStatus, 'name' | 'state' | 'description'> {
  repositoryId: string
  projectId: string
  commit: string
  /** Null: it is of no run, or of one of its steps. */
  report: RunReport | null
  /** Empty: none could begin. */
  runId: string
  /** Where it is of one step alone. */
  stepId?: string
  now: Date
}

/** Inside a transaction. Throws `LostRace`: somebody else has just told of the same; begun anew, it knows of that. */
export type Tell = (em: EntityManager, news: StatusNews) => Promise<void>

/** Several things that change at once are one change of a comment. */
const commentAfterMs = 1000

/** Of a commit, and of the pull requests that it is the head of. */
export function tellWith(deps: { repositories: Repositories; pullRequests: PullRequests }): Tell {
  return async (em, news) => {
    if (await tellStatus(em, news)) await tellComments(deps, em, news)
  }
}

/** Inside a transaction. What an older run says later is not told: false. Throws as `Tell` does. */
export async function tellStatus(em: EntityManager, news: StatusNews): Promise<boolean> {
  const { repositoryId, projectId, commit, runId, stepId = '', state, report, now } = news
  const key = { repositoryId, projectId, commit, name: news.name.slice(0, 255) }
  const description = cutText(news.description.replace(/\s+/g, ' ').trim(), 140)
  const said = { runId, stepId, state, description, report: report && JSON.stringify(report), nextAt: now, attempts: 0 }
  const known = await find(em, key)
  if (known) {
    if (runId !== '' && known.runId > runId) return false
    if (known.runId === runId && known.state === state && known.description === description) return true
    await change(em, { id: known.id, revision: known.revision }, said)
    return true
  }
  await insert(em, { ...blank(now), ...key, ...said })
  return true
}

/** Of pull requests that the commit is the head of. */
export async function tellComments(
  { repositories, pullRequests }: { repositories: Repositories; pullRequests: PullRequests },
  em: EntityManager,
  {
    repositoryId,
    projectId,
    commit,
    state,
    now,
  }: Pick<StatusNews, 'repositoryId' | 'projectId' | 'commit' | 'now'> & { state: string },
): Promise<void> {
  const repository = await repositories.find(em, repositoryId)
  if (repository?.projectId !== projectId || repository.comments <= CommentPolicy.OFF) return
  for (const pullRequest of await pullRequests.withHead(em, repositoryId, commit)) {
    const key = { repositoryId, projectId, commit: '', name: `#${pullRequest}` }
    const known = await find(em, key)
    const soon = new Date(now.getTime() + commentAfterMs)
    if (known) {
      await change(em, { id: known.id }, { nextAt: known.nextAt ?? soon, attempts: 0 })
    } else if (repository.comments === CommentPolicy.ALWAYS || state === 'failed') {
      await insert(em, { ...blank(now), ...key, pullRequest, nextAt: soon })
    }
  }
}

type Key = Pick<CommitStatusRow, 'repositoryId' | 'projectId' | 'commit' | 'name'>

/** Several runs of one commit may tell of the same: as it is by now, not as it was read before. */
export function find(em: EntityManager, key: Key): Promise<CommitStatusRow | null> {
  return em.findOne(CommitStatusEntity, key, { disableIdentityMap: true })
}

export async function change(
  em: EntityManager,
  where: Pick<CommitStatusRow, 'id'> & { revision?: number },
  said: Partial<CommitStatusRow>,
): Promise<void> {
  const told = { ...said, revision: raw<number>('revision + 1') }
  if ((await em.nativeUpdate(CommitStatusEntity, where, told)) !== 1) throw new LostRace('a status has changed')
}

export async function insert(em: EntityManager, row: CommitStatusRow): Promise<void> {
  try {
    await em.insert(CommitStatusEntity, row)
  } catch (error) {
    if (error instanceof UniqueConstraintViolationException) throw new LostRace('a status has been made')
    throw error
  }
}

export function blank(createdAt: Date) {
  return {
    ...{ id: uuidv7(), runId: '', stepId: '', pullRequest: 0, commentId: '', state: '', description: '', report: null },
    ...{ deploymentId: '', revision: 1, heldUntil: null, attempts: 0, createdAt },
  }
}
