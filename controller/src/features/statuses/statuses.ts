// What is to be told, kept in the transaction that it follows from.
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { CommitStatus } from '../forges/index.ts'
import { CommitStatusEntity } from './commit-status.entity.ts'

export interface StatusNews extends Pick<CommitStatus, 'name' | 'state' | 'description'> {
  repositoryId: string
  projectId: string
  commit: string
  summary: string
  /** Empty: none could begin. */
  runId: string
  now: Date
}

/** Inside a transaction. What an older run says later is not told. */
export async function tell(em: EntityManager, news: StatusNews): Promise<void> {
  const { repositoryId, projectId, commit, runId, state, now } = news
  const key = { repositoryId, projectId, commit, name: news.name.slice(0, 255) }
  const said = {
    runId,
    state,
    description: cut(news.description, 140),
    summary: news.summary,
    nextAt: now,
    attempts: 0,
  }
  const known = await em.findOne(CommitStatusEntity, key)
  if (known) {
    if (known.runId > runId) return
    await em.nativeUpdate(CommitStatusEntity, { id: known.id }, { ...said, revision: known.revision + 1 })
    return
  }
  await em.insert(CommitStatusEntity, { id: uuidv7(), ...key, ...said, revision: 1, createdAt: now })
}

function cut(text: string, most: number): string {
  const letters = Array.from(text.replace(/\s+/g, ' ').trim())
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : letters.join('')
}
