// What steps have deployed, and what is where now.
import { feature } from '../../feature.ts'
import { DeployedEntity, DeploymentEntity } from './deployment.entity.ts'
import { deploymentParticipant } from './deployment-participant.ts'
import { deploymentsApi } from './deployments.api.ts'

export const deploymentsFeature = feature({
  name: 'deployments',
  entities: [DeploymentEntity, DeployedEntity],
  open: ({ db }) => ({
    services: [deploymentsApi(db)],
    participants: [deploymentParticipant],
    environmentDeletions: [
      async (em, environmentId) => {
        await em.nativeDelete(DeployedEntity, { environmentId })
        await em.nativeDelete(DeploymentEntity, { environmentId })
      },
    ],
    deletions: [
      async (em, projectId) => {
        await em.nativeDelete(DeployedEntity, { projectId })
        await em.nativeDelete(DeploymentEntity, { projectId })
      },
    ],
  }),
})
