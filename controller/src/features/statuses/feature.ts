// What forges are told of commits.
import { feature } from '../../feature.ts'
import { repositoriesFeature } from '../repositories/index.ts'
import { CommitStatusEntity } from './commit-status.entity.ts'
import { statusParticipant } from './status-participant.ts'
import { type StatusNews, tell } from './statuses.ts'
import { tellForges } from './tell-forges.ts'

export const statusesFeature = feature({
  name: 'statuses',
  entities: [CommitStatusEntity],
  open({ db, bus, clock, log, publicUrl }, from) {
    const { repositories } = from(repositoriesFeature)
    const wake = () => bus.publish('status.due', {})
    return {
      participants: [statusParticipant(wake)],
      loops: [
        {
          name: 'statuses',
          everyMs: 5000,
          wakeOn: ['status.due'],
          run: tellForges({ db, clock, log, repositories, publicUrl }),
        },
      ],
      deletions: [
        async (em, projectId) => {
          await em.nativeDelete(CommitStatusEntity, { projectId })
        },
      ],
      gives: {
        /** What is told of a commit that no run is for. */
        async tellNow(news: Omit<StatusNews, 'now'>) {
          await db.transaction((em) => tell(em, { ...news, now: clock.now() }))
          wake()
        },
      },
    }
  },
})
