// Pictures that say how pipelines do, for pages elsewhere.
import { feature } from '../../feature.ts'
import { lastCoverage } from '../reports/index.ts'
import { repositoriesFeature } from '../repositories/index.ts'
import { lastRunsOf, runResults } from '../runs/index.ts'
import { BadgeEntity } from './badge.entity.ts'
import { badgesApi } from './badges.api.ts'
import { badgesRoute } from './badges.route.ts'

export const badgesFeature = feature({
  name: 'badges',
  entities: [BadgeEntity],
  open({ db, clock, keys }, from) {
    const { repositories, sources } = from(repositoriesFeature)
    const runsOf = (pipelineId: string, branch: string) =>
      branch === '' ? lastRunsOf(db, pipelineId) : sources.ofBranch(pipelineId, branch)
    return {
      services: [badgesApi({ clock, keys, repositories })],
      routes: [
        badgesRoute({
          db,
          keys,
          repositories,
          async lastResult(pipelineId, branch) {
            const results = await runResults(db, await runsOf(pipelineId, branch))
            // While the next one goes on, the last one that has ended counts.
            return results.find(({ isOver }) => isOver) ?? results[0]
          },
          lastCoverage: async (pipelineId, branch) => lastCoverage(db, await runsOf(pipelineId, branch)),
        }),
      ],
      pipelineParticipants: [
        {
          name: 'badges',
          async deleted(em, pipelineId) {
            await em.nativeDelete(BadgeEntity, { pipelineId })
          },
        },
      ],
      deletions: [
        async (em, projectId) => {
          await em.nativeDelete(BadgeEntity, { projectId })
        },
      ],
    }
  },
})
