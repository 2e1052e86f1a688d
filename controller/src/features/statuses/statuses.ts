// What is to be told, kept in the transaction that it follows from.
import { CommentPolicy } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { raw } from '@mikro-orm/core'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { CommitStatus } from '../forges/index.ts'
import type { PullRequests, Repositories } from '../repositories/index.ts'
import { CommitStatusEntity } from './commit-status.entity.ts'
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

/** Inside a transaction. */
export type Tell = (em: EntityManager, news: StatusNews) => Promise<void>

/** Several things that change at once are one change of a comment. */
const commentAfterMs = 1000

/** Of a commit, and of the pull requests that it is the head of. */
export function tellWith(deps: { repositories: Repositories; pullRequests: PullRequests }): Tell {
  return async (em, news) => {
    if (await tellStatus(em, news)) await tellComments(deps, em, news)
  }
}

/** Inside a transaction. What an older run says later is not told: false. */
export async function tellStatus(em: EntityManager, news: StatusNews): Promise<boolean> {
  const { repositoryId, projectId, commit, runId, stepId = '', state, report, now } = news
  const key = { repositoryId, projectId, commit, name: news.name.slice(0, 255) }
  const description = cutText(news.description.replace(/\s+/g, ' ').trim(), 140)
  const said = { runId, stepId, state, description, report: report && JSON.stringify(report), nextAt: now, attempts: 0 }
  const known = await em.findOne(CommitStatusEntity, key)
  if (known) {
    if (runId !== '' && known.runId > runId) return false
    if (known.runId === runId && known.state === state && known.description === description) return true
    await em.nativeUpdate(CommitStatusEntity, { id: known.id }, { ...said, revision: next() })
    return true
  }
  await em.insert(CommitStatusEntity, { ...blank(now), ...key, ...said })
  return true
}

async function tellComments(
  { repositories, pullRequests }: { repositories: Repositories; pullRequests: PullRequests },
  em: EntityManager,
  { repositoryId, projectId, commit, state, now }: StatusNews,
): Promise<void> {
  const repository = await repositories.find(em, repositoryId)
  if (repository?.projectId !== projectId || repository.comments <= CommentPolicy.OFF) return
  for (const pullRequest of await pullRequests.withHead(em, repositoryId, commit)) {
    const key = { repositoryId, projectId, commit: '', name: `#${pullRequest}` }
    const known = await em.findOne(CommitStatusEntity, key)
    const soon = new Date(now.getTime() + commentAfterMs)
    if (known) {
      const told = { nextAt: known.nextAt ?? soon, attempts: 0, revision: next() }
      await em.nativeUpdate(CommitStatusEntity, { id: known.id }, told)
    } else if (repository.comments === CommentPolicy.ALWAYS || state === 'failed') {
      await em.insert(CommitStatusEntity, { ...blank(now), ...key, pullRequest, nextAt: soon })
    }
  }
}

function next() {
  return raw<number>('revision + 1')
}

function blank(createdAt: Date) {
  return {
    ...{ id: uuidv7(), runId: '', stepId: '', pullRequest: 0, commentId: '', state: '', description: '', report: null },
    ...{ revision: 1, heldUntil: null, attempts: 0, createdAt },
  }
}
