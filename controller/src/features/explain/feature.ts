// What runs would do, without any being started.
import { feature } from '../../feature.ts'
import { agentsFeature } from '../agents/index.ts'
import { deliveriesFeature } from '../deliveries/index.ts'
import { pipelinesFeature } from '../pipelines/index.ts'
import { runsFeature } from '../runs/index.ts'
import { explainApi } from './explain.api.ts'

export const explainFeature = feature({
  name: 'explain',
  entities: [],
  open({ db, clock, workers }, from) {
    const { agentViews } = from(agentsFeature)
    const { fileAtCommit } = from(deliveriesFeature)
    const { includesOf } = from(pipelinesFeature)
    const { fileHashes } = from(runsFeature)
    const deps = { db, clock, workers, includesOf, agents: agentViews, fileAtCommit, fileHashes }
    return { services: [explainApi(deps)] }
  },
})
