// What steps deploy to.
import { feature } from '../../feature.ts'
import { EnvironmentEntity, EnvironmentUseEntity } from './environment.entity.ts'
import { environmentKeeper } from './environment-uses.ts'
import { environmentsApi } from './environments.api.ts'

export const environmentsFeature = feature({
  name: 'environments',
  entities: [EnvironmentEntity, EnvironmentUseEntity],
  open: ({ clock, features }) => ({
    services: [
      environmentsApi({ clock, deletions: () => features.flatMap((each) => each.environmentDeletions ?? []) }),
    ],
    pipelineParticipants: [environmentKeeper],
    deletions: [
      async (em, projectId) => {
        await em.nativeDelete(EnvironmentUseEntity, { projectId })
        await em.nativeDelete(EnvironmentEntity, { projectId })
      },
    ],
  }),
})
