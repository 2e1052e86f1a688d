// What steps have deployed, and what is where now.
import { feature, port } from '../../feature.ts'
import { DeployedEntity, DeploymentEntity } from './deployment.entity.ts'
import { type DeploymentNews, deploymentParticipant } from './deployment-participant.ts'
import { deploymentsApi } from './deployments.api.ts'

export const deploymentsFeature = feature({
  name: 'deployments',
  entities: [DeploymentEntity, DeployedEntity],
  open({ db }) {
    /** Told by whoever answers to forges. */
    const news = port<{ tell: DeploymentNews; committed(): void }>('who is told of deployments')
    const participant = deploymentParticipant(
      (...of) => news().tell(...of),
      () => news().committed(),
    )
    return {
      services: [deploymentsApi(db)],
      participants: [participant],
      gives: { news },
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
    }
  },
})
