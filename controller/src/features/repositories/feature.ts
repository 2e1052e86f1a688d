// Git repositories of projects: connected by forges, read through copies of them.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { feature, port } from '../../feature.ts'
import type { EntityManager } from '../../platform/db.ts'
import { agentsFeature } from '../agents/index.ts'
import { forgesFeature } from '../forges/index.ts'
import { countPipelinesOf, pipelinesFeature } from '../pipelines/index.ts'
import { runsFeature } from '../runs/index.ts'
import { branchHealth } from './branch-health.ts'
import { connectedRepositories } from './connected.ts'
import { fileHashes } from './file-hashes.ts'
import { headFacts } from './head-facts.ts'
import { headFiles } from './head-files.ts'
import { createPullRequests } from './pull-requests.ts'
import { repositoriesApi } from './repositories.api.ts'
import { createRepositories } from './repositories.ts'
import {
  BranchHealthEntity,
  PullRequestEntity,
  RepositoryEntity,
  RepositoryRefsEntity,
  RunSourceEntity,
} from './repository.entity.ts'
import { repositoryAccess } from './repository-access.ts'
import { repositoryContents } from './repository-contents.ts'
import { repositoryTopics } from './repository-topics.ts'
import { runSources } from './run-sources.ts'
import { standing } from './standing.ts'

export interface DeliveryCounts {
  delivered: number
  refused: number
  lastRefusedAt?: Date
}

/** By whoever takes deliveries. */
export interface KeptDeliveries {
  /** Of the last seven days, by repository. */
  count(em: EntityManager, repositoryIds: readonly string[]): Promise<Map<string, DeliveryCounts>>
  /** Inside the transaction that takes the repository away. */
  forget(em: EntityManager, repositoryId: string): Promise<void>
}

/** Whoever starts a run for a commit that is not known yet waits for it no longer. */
const fetchMs = 7500

export const repositoriesFeature = feature({
  name: 'repositories',
  entities: [RepositoryEntity, RepositoryRefsEntity, PullRequestEntity, RunSourceEntity, BranchHealthEntity],
  open({ db, bus, clock, log, keys, git, workers, publicUrl }, from) {
    const { connections, connected } = from(forgesFeature)
    connected.fill(connectedRepositories)
    const repositories = createRepositories({ db, clock, connections, mirrors: git })
    from(agentsFeature).repositoryAccess.fill(repositoryAccess(db, repositories))
    const pullRequests = createPullRequests({ db, clock })
    from(runsFeature).askRepository.fill(async (em, projectId, git, signal) => {
      const row = await repositories.find(em, git.repositoryId)
      if (row?.projectId !== projectId) return undefined
      const mirror = repositories.mirrorOf(row)
      const until = AbortSignal.any([signal, AbortSignal.timeout(fetchMs)])
      const { isReached, isNamed } = await standing(mirror, git, (within) => repositories.fetch(row, within), until)
      const isOfRequest = git.pullRequest > 0
      const untrusted = (await pullRequests.isOfStrangers(em, row, git)) || (!isOfRequest && !isReached)
      return { url: row.cloneUrl, untrusted, verified: !untrusted && !isOfRequest && isNamed }
    })
    from(runsFeature).head.fill(headFacts({ db, repositories }))
    from(runsFeature).fileHashes.fill(fileHashes({ em: () => db.em(), workers, repositories }))
    const { headFiles: heads, releasePipelinesOf } = from(pipelinesFeature)
    heads.fill((em, id) => headFiles(repositories, em, id))
    const sources = runSources(db)
    const health = branchHealth(db, (of) => bus.publish('repository.changed', of))
    const keptDeliveries = port<KeptDeliveries>('deliveries that are kept')
    const counts = async (em: EntityManager, ids: readonly string[]) => {
      const [pipelines, deliveries] = [await countPipelinesOf(em, ids), await keptDeliveries().count(em, ids)]
      const none = { delivered: 0, refused: 0 }
      return new Map(ids.map((id) => [id, { pipelines: pipelines.get(id) ?? 0, ...(deliveries.get(id) ?? none) }]))
    }
    const contents = repositoryContents({ db, repositories, sources, health })
    const release = async (em: EntityManager, repositoryId: string) => {
      await releasePipelinesOf(em, repositoryId)
      await em.nativeDelete(PullRequestEntity, { repositoryId })
      await em.nativeDelete(RunSourceEntity, { repositoryId })
      await em.nativeDelete(BranchHealthEntity, { repositoryId })
      await em.nativeDelete(RepositoryRefsEntity, { repositoryId })
      await keptDeliveries().forget(em, repositoryId)
    }
    const api = { bus, clock, keys, publicUrl, connections, repositories, contents, counts, release }
    const { topics, stop } = repositoryTopics({ db, bus, clock, log })
    return {
      services: [repositoriesApi(api)],
      topics,
      stop,
      participants: [sources.participant, health.participant],
      pipelineParticipants: [health.pipelines],
      scopes: {
        async [Resource.REPOSITORY](em, id) {
          const row = await repositories.find(em, id)
          return row && { organizationId: row.organizationId, projectId: row.projectId }
        },
      },
      deletions: [
        async (em, projectId) => {
          await em.nativeDelete(PullRequestEntity, { projectId })
          await em.nativeDelete(RunSourceEntity, { projectId })
          await em.nativeDelete(BranchHealthEntity, { projectId })
          await em.nativeDelete(RepositoryRefsEntity, { projectId })
          await em.nativeDelete(RepositoryEntity, { projectId })
        },
      ],
      gives: { repositories, sources, pullRequests, keptDeliveries },
    }
  },
})
