// What runs would do, without any being started.
import { feature } from '../../feature.ts'
import { agentsFeature } from '../agents/index.ts'
import { deliveriesFeature } from '../deliveries/index.ts'
import { explainApi } from './explain.api.ts'

export const explainFeature = feature({
  name: 'explain',
  entities: [],
  open({ db, clock, workers }, from) {
    const { agentViews } = from(agentsFeature)
    const { fileAtCommit } = from(deliveriesFeature)
    return { services: [explainApi({ db, clock, workers, agents: agentViews, fileAtCommit })] }
  },
})
