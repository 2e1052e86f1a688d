// What forges are told of commits.
import { feature } from '../../feature.ts'
import { repositoriesFeature } from '../repositories/index.ts'
import { CommitStatusEntity } from './commit-status.entity.ts'
import { statusParticipant } from './status-participant.ts'
import { tell } from './statuses.ts'
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
      gives: { tell, wake },
    }
  },
})
