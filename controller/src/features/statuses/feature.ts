// What forges are told of commits and pull requests.
import { feature } from '../../feature.ts'
import { deploymentsFeature } from '../deployments/index.ts'
import { repositoriesFeature } from '../repositories/index.ts'
import { LostRace } from '../runs/index.ts'
import { CommitStatusEntity } from './commit-status.entity.ts'
import { tellDeploymentWith } from './deployments-told.ts'
import { forgetEveryMs, forgetTold } from './forget-told.ts'
import { statusParticipant } from './status-participant.ts'
import { type StatusNews, tellWith } from './statuses.ts'
import { tellForges } from './tell-forges.ts'

export const statusesFeature = feature({
  name: 'statuses',
  entities: [CommitStatusEntity],
  open({ db, bus, clock, log, publicUrl }, from) {
    const { repositories, pullRequests } = from(repositoriesFeature)
    const wake = () => bus.publish('status.due', {})
    const tell = tellWith({ repositories, pullRequests })
    from(deploymentsFeature).news.fill({ tell: tellDeploymentWith({ repositories, pullRequests }), committed: wake })
    const forges = tellForges({ db, clock, log, repositories, pullRequests, publicUrl, wake })
    return {
      participants: [statusParticipant({ tell, repositories }, wake)],
      loops: [
        {
          name: 'statuses',
          // Comments wait for a moment, and nobody wakes anybody at its end.
          everyMs: 2000,
          wakeOn: ['status.due'],
          run: forges.run,
        },
        { name: 'old statuses', everyMs: forgetEveryMs, run: () => forgetTold({ db, clock, pullRequests }) },
      ],
      stop: () => forges.stop(),
      deletions: [
        async (em, projectId) => {
          await em.nativeDelete(CommitStatusEntity, { projectId })
        },
      ],
      gives: {
        /** What is told of a commit that no run is for. */
        async tellNow(news: Omit<StatusNews, 'now' | 'report' | 'runId'>) {
          const told = { ...news, runId: '', report: null }
          await unlessLost(() => db.transaction((em) => tell(em, { ...told, now: clock.now() })))
          wake()
        },
      },
    }
  },
})

const mostRaces = 5

/** Who was first is known by then. */
async function unlessLost(work: () => Promise<void>): Promise<void> {
  for (let races = 1; ; races++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof LostRace) || races >= mostRaces) throw error
    }
  }
}
