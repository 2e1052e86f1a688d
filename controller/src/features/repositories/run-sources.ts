// Which state of which repository a run is for: written when it begins, and read by the pages of branches, commits and pull requests.
import type { Db, EntityManager, Transaction } from '../../platform/db.ts'
import type { RunParticipant } from '../runs/index.ts'
import { RepositoryEntity, RunSourceEntity } from './repository.entity.ts'

interface Tables {
  run_source: {
    run_id: string
    repository_id: string
    project_id: string
    pipeline_id: string
    branch: string
    commit: string
    pull_request: number
  }
}

export interface RunSources {
  participant: RunParticipant
  /** Ids of the last runs of each, newest first, at most eight. */
  lastRuns(em: EntityManager, repositoryId: string, of: RunsOf): Promise<Map<string, string[]>>
  /** Ids of the last hundred runs for a commit, newest first. */
  ofCommit(em: EntityManager, repositoryId: string, commit: string): Promise<string[]>
  /** Ids of a pipeline's last runs of a branch, those of pull requests left out: the newest first, at most twenty. */
  ofBranch(pipelineId: string, branch: string): Promise<string[]>
  /** Of the last 500 runs: branches by their last one, the newest first. */
  lastBranches(em: EntityManager, repositoryId: string): Promise<string[]>
}

export type RunsOf = { branch: readonly string[] } | { commit: readonly string[] } | { pull_request: readonly number[] }

const shown = 8
const mostRecent = 500
const mostOfBranch = 20
const mostOfCommit = 100

export function runSources(db: Db): RunSources {
  return {
    participant: {
      name: 'repositories',
      wants: ({ started, run }) => started && (run.meta.origin.git?.repositoryId ?? '') !== '',
      async write(to: Transaction, changes) {
        const em = to.em()
        for (const { run } of changes) {
          const { runId, projectId, pipelineId, origin } = run.meta
          const { repositoryId, commit, pullRequest, fork, branch: head } = origin.git!
          // That of a fork is no branch of this repository, though it be called as one: most are called main.
          const branch = fork ? '' : head
          // Whoever starts a run says what it is for.
          if ((await em.count(RepositoryEntity, { id: repositoryId, projectId })) === 0) continue
          await em.insert(RunSourceEntity, {
            ...{ runId, projectId, pipelineId, repositoryId, branch, commit, pullRequest },
          })
        }
      },
    },

    async lastRuns(em, repositoryId, of) {
      const [[column, values]] = Object.entries(of) as [
        ['branch' | 'commit' | 'pull_request', readonly (string | number)[]],
      ]
      const found = new Map<string, string[]>()
      for (const value of values) {
        const rows = await db
          .kysely<Tables>(em)
          .selectFrom('run_source')
          .select('run_id')
          .where('repository_id', '=', repositoryId)
          .where(column, '=', value as never)
          .orderBy('run_id', 'desc')
          .limit(shown)
          .execute()
        if (rows.length > 0)
          found.set(
            String(value),
            rows.map((row) => row.run_id),
          )
      }
      return found
    },

    async ofCommit(em, repositoryId, commit) {
      const rows = await db
        .kysely<Tables>(em)
        .selectFrom('run_source')
        .select('run_id')
        .where('repository_id', '=', repositoryId)
        .where('commit', '=', commit)
        .orderBy('run_id', 'desc')
        .limit(mostOfCommit)
        .execute()
      return rows.map((row) => row.run_id)
    },

    async ofBranch(pipelineId, branch) {
      const rows = await db
        .kysely<Tables>()
        .selectFrom('run_source')
        .select('run_id')
        .where('pipeline_id', '=', pipelineId)
        .where('pull_request', '=', 0)
        .where('branch', '=', branch)
        .orderBy('run_id', 'desc')
        .limit(mostOfBranch)
        .execute()
      return rows.map((row) => row.run_id)
    },

    async lastBranches(em, repositoryId) {
      const rows = await db
        .kysely<Tables>(em)
        .selectFrom('run_source')
        .select('branch')
        .where('repository_id', '=', repositoryId)
        .orderBy('run_id', 'desc')
        .limit(mostRecent)
        .execute()
      return [...new Set(rows.map((row) => row.branch))].filter((branch) => branch !== '')
    },
  }
}
