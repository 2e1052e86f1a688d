// What was told is forgotten after a while: a later run tells it anew. What pull requests show that are open stays, however old it is.
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { PullRequests } from '../repositories/index.ts'
import { CommitStatusEntity } from './commit-status.entity.ts'

export const forgetEveryMs = 3_600_000
const keptMs = 30 * 24 * 3_600_000
const pageSize = 500

interface Deps {
  db: Db
  clock: Clock
  pullRequests: PullRequests
}

export async function forgetTold({ db, clock, pullRequests }: Deps): Promise<void> {
  const old = { nextAt: null, createdAt: { $lt: new Date(clock.now().getTime() - keptMs) } }
  for (let after = ''; ; ) {
    const page = { orderBy: { id: 'asc' as const }, limit: pageSize, exclude: ['report' as const] }
    const rows = await db.em().find(CommitStatusEntity, { ...old, id: { $gt: after } }, page)
    const ids: string[] = []
    for (const [repositoryId, own] of Map.groupBy(rows, (row) => row.repositoryId)) {
      const [comments, statuses] = [own.filter(isComment), own.filter((row) => !isComment(row))]
      const open = await pullRequests.openAmong(db.em(), repositoryId, {
        numbers: comments.map((row) => row.pullRequest),
        heads: [...new Set(statuses.map((row) => row.commit))],
      })
      ids.push(...comments.filter((row) => !open.numbers.has(row.pullRequest)).map(({ id }) => id))
      ids.push(...statuses.filter((row) => !open.heads.has(row.commit)).map(({ id }) => id))
    }
    // What is to be told again meanwhile stays.
    if (ids.length > 0) await db.em().nativeDelete(CommitStatusEntity, { ...old, id: { $in: ids } })
    if (rows.length < pageSize) return
    after = rows.at(-1)!.id
  }
}

function isComment({ pullRequest }: { pullRequest: number }): boolean {
  return pullRequest > 0
}
