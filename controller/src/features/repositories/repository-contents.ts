// What is in a repository, with the runs that were for it: branches, pull requests, commits.
import { notFound } from '@ansflow/proto/errors'
import {
  type ListBranchesRequest,
  type ListBrokenPipelinesRequest,
  type ListCommitsRequest,
  type ListPullRequestsRequest,
  type ListTagsRequest,
  PullRequestState,
} from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { Db, EntityManager } from '../../platform/db.ts'
import { cutPage, pageSize, readCursor } from '../../platform/page.ts'
import type { CallContext } from '../../transport/call.ts'
import { pipelineNames } from '../pipelines/index.ts'
import { readRunHeads } from '../runs/index.ts'
import type { BranchHealth } from './branch-health.ts'
import { toCommit, toPullRequest } from './present-repository.ts'
import { readable } from './readable.ts'
import type { Repositories } from './repositories.ts'
import { PullRequestEntity } from './repository.entity.ts'
import type { RunSources, RunsOf } from './run-sources.ts'

export type RepositoryContents = ReturnType<typeof repositoryContents>

interface Deps {
  db: Db
  repositories: Repositories
  sources: RunSources
  health: BranchHealth
}

const heads = 'refs/heads/'
const tags = 'refs/tags/'
/** Of tags the highest number first: "v1.10" before "v1.9". */
const byNumber = new Intl.Collator('en', { numeric: true })

export function repositoryContents({ db, repositories, sources, health }: Deps) {
  return {
    async branches({ em }: CallContext, request: ListBranchesRequest) {
      const row = await repositories.load(em, request.repositoryId)
      const mirror = repositories.mirrorOf(row)
      const { refs } = await readable(row, () => mirror.refs())
      const found = refs.filter(({ name }) => name.startsWith(heads) && name.slice(heads.length).includes(request.text))
      const recent = await sources.lastBranches(em, row.id)
      const rank = new Map([...new Set([row.defaultBranch, ...recent])].map((name, index) => [name, index]))
      const order = (name: string) => rank.get(name) ?? Number.POSITIVE_INFINITY
      const names = found
        .map(({ name }) => name.slice(heads.length))
        .sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1))
      const size = pageSize(request.pageSize, 20, 50)
      const [after] = readCursor(request.pageToken, 1) ?? []
      const start = after === undefined ? 0 : names.indexOf(after) + 1
      const { page, nextPageToken } = cutPage(names.slice(start, start + size + 1), size, (name) => [name])
      const runs = await runsOf(em, row.id, { branch: page })
      const branches = []
      for (const name of page) {
        const commit = await readable(row, () => mirror.commit(heads + name))
        branches.push({
          name,
          ...(commit && { head: toCommit(commit) }),
          runs: runs.get(name) ?? [],
          isDefault: name === row.defaultBranch,
        })
      }
      return { branches, nextPageToken, total: names.length }
    },

    async tags({ em }: CallContext, request: ListTagsRequest) {
      const row = await repositories.load(em, request.repositoryId)
      const mirror = repositories.mirrorOf(row)
      const { refs } = await readable(row, () => mirror.refs())
      const names = refs
        .flatMap(({ name }) => (name.startsWith(tags) ? [name.slice(tags.length)] : []))
        .filter((name) => name.includes(request.text))
        .sort((a, b) => byNumber.compare(b, a) || (a < b ? -1 : 1))
      const size = pageSize(request.pageSize, 20, 50)
      const [after] = readCursor(request.pageToken, 1) ?? []
      const start = after === undefined ? 0 : names.indexOf(after) + 1
      const { page, nextPageToken } = cutPage(names.slice(start, start + size + 1), size, (name) => [name])
      const found = []
      for (const name of page) {
        const commit = await readable(row, () => mirror.commit(tags + name))
        found.push({ name, ...(commit && { commit: toCommit(commit) }) })
      }
      return { tags: found, nextPageToken, total: names.length }
    },

    async pullRequests({ em }: CallContext, { repositoryId, state, ...request }: ListPullRequestsRequest) {
      const size = pageSize(request.pageSize, 20, 50)
      const [time, id] = readCursor(request.pageToken, 2) ?? []
      const before = time === undefined ? undefined : new Date(time)
      const rows = await em.find(
        PullRequestEntity,
        {
          repositoryId,
          ...(state !== PullRequestState.UNSPECIFIED && { state }),
          ...(before && id && { $or: [{ updatedAt: { $lt: before } }, { updatedAt: before, id: { $lt: id } }] }),
        },
        { orderBy: { updatedAt: 'desc', id: 'desc' }, limit: size + 1 },
      )
      const { page, nextPageToken } = cutPage(rows, size, (row) => [row.updatedAt.toISOString(), row.id])
      const runs = await runsOf(em, repositoryId, { pull_request: page.map(({ number }) => number) })
      return { pullRequests: page.map((row) => toPullRequest(row, runs.get(String(row.number)) ?? [])), nextPageToken }
    },

    async broken({ em }: CallContext, { projectId, repositoryId }: ListBrokenPipelinesRequest) {
      const { rows, watched } = await health.broken(em, { projectId, ...(repositoryId && { repositoryId }) })
      const ids = rows.flatMap(({ brokenRunId, lastRunId, greenRunId }) => [brokenRunId!, lastRunId, greenRunId ?? ''])
      const known = new Map((await readRunHeads(db, em, [...new Set(ids)])).map((run) => [run.id, run]))
      const pipelines = await pipelineNames(
        em,
        rows.map((row) => row.pipelineId),
      )
      const named = new Map<string, string>()
      for (const { repositoryId: id } of rows) {
        if (!named.has(id)) named.set(id, (await repositories.find(em, id))?.fullName ?? '')
      }
      const broken = rows.flatMap((row) => {
        const [since, last, green] = [row.brokenRunId!, row.lastRunId, row.greenRunId ?? ''].map((id) => known.get(id))
        const pipelineName = pipelines.get(row.pipelineId)?.name
        // One that is being deleted.
        if (!since || !last || pipelineName === undefined) return []
        const { pipelineId, branch } = row
        const of = { pipelineId, pipelineName, repositoryId: row.repositoryId, branch }
        return [{ ...of, repositoryName: named.get(row.repositoryId) ?? '', since, last, ...(green && { green }) }]
      })
      return { broken, watched }
    },

    async commits({ em }: CallContext, { repositoryId, ref, ...request }: ListCommitsRequest) {
      const row = await repositories.load(em, repositoryId)
      const mirror = repositories.mirrorOf(row)
      const size = pageSize(request.pageSize, 20, 50)
      // Pages hang together when they begin at a commit.
      const [from, skipped] = readCursor(request.pageToken, 2) ?? []
      const skip = Number(skipped ?? 0)
      if (!Number.isSafeInteger(skip) || skip < 0) throw notFound('page', request.pageToken)
      const first = from ?? (await readable(row, () => mirror.commit(ref || row.defaultBranch)))?.id
      if (first === undefined) throw notFound('ref', ref)
      const found = (await readable(row, () => mirror.log(first, { limit: size + 1, skip }))) ?? []
      const { page, nextPageToken } = cutPage(found, size, () => [first, String(skip + size)])
      const runs = await runsOf(em, row.id, { commit: page.map(({ id }) => id) })
      return {
        commits: page.map((commit) => ({ commit: toCommit(commit), runs: runs.get(commit.id) ?? [] })),
        nextPageToken,
      }
    },
  }

  async function runsOf(em: EntityManager, repositoryId: string, of: RunsOf): Promise<Map<string, Run[]>> {
    const ids = await sources.lastRuns(em, repositoryId, of)
    const all = await readRunHeads(db, em, [...ids.values()].flat())
    const known = new Map(all.map((run) => [run.id, run]))
    return new Map([...ids].map(([key, list]) => [key, list.flatMap((id) => known.get(id) ?? [])]))
  }
}
