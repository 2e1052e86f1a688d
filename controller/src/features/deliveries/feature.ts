// What forges send: taken in, and worked off into runs.
import { feature } from '../../feature.ts'
import { auditFeature } from '../audit/index.ts'
import { forgeOf, forgesFeature } from '../forges/index.ts'
import { pipelinesFeature } from '../pipelines/index.ts'
import { repositoriesFeature } from '../repositories/index.ts'
import { runsFeature } from '../runs/index.ts'
import { statusesFeature } from '../statuses/index.ts'
import { answersFirst } from './answers-first.ts'
import { appHookRoute } from './app-hook.route.ts'
import { deliveriesApi } from './deliveries.api.ts'
import { deliveriesRoute } from './deliveries.route.ts'
import { RepositoryDeliveryEntity } from './delivery.entity.ts'
import { fileAtCommit } from './file-at-commit.ts'
import { forgeAnswers } from './forge-answers.ts'
import { keptDeliveries } from './kept-deliveries.ts'
import { RepositoryTriggerEntity } from './repository-trigger.entity.ts'
import { lookAtRepositories } from './take-over.ts'
import { triggerKeeper } from './trigger-keeper.ts'
import { workOff } from './work-off.ts'

export const deliveriesFeature = feature({
  name: 'deliveries',
  entities: [RepositoryDeliveryEntity, RepositoryTriggerEntity],
  open({ db, bus, clock, keys, log, workers }, from) {
    const { repositories, pullRequests, sources, keptDeliveries: kept } = from(repositoriesFeature)
    const { connections } = from(forgesFeature)
    const { driver, repeat } = from(runsFeature)
    const { takeFile, foreseeFiles } = from(pipelinesFeature)
    kept.fill(keptDeliveries(clock))
    const audit = from(auditFeature)
    const { tellNow } = from(statusesFeature)
    const started = { db, bus, clock, log, workers, driver, repeat, audit, tellNow }
    const deps = { ...started, repositories, pullRequests, sources, takeFile }
    const answers = forgeAnswers(clock)
    const explained = { db, clock, workers, repositories, pullRequests, sources, foreseeFiles, answers }
    const first = answersFirst(clock)
    const work = workOff(deps, first)
    const look = lookAtRepositories(deps)
    return {
      services: [deliveriesApi({ ...explained, bus })],
      routes: [
        deliveriesRoute({
          db,
          bus,
          clock,
          keys,
          log,
          repositories,
          answers: first,
          async forgeOf({ connectionId }) {
            const connection = await connections.find(db.em(), connectionId)
            return connection && forgeOf(connection.kind)
          },
        }),
        appHookRoute({ db, bus, clock, log, workers, connections, repositories, answers: first }),
      ],
      pipelineParticipants: [triggerKeeper],
      loops: [
        { name: 'deliveries', everyMs: 2000, wakeOn: ['delivery.due'], run: work.run },
        { name: 'repositories', everyMs: 5000, wakeOn: ['repository.due'], run: look.run },
      ],
      gives: { fileAtCommit: fileAtCommit({ clock, repositories, foreseeFiles }) },
      async stop() {
        await Promise.all([work.stop(), look.stop()])
      },
      deletions: [
        async (em, projectId) => {
          await em.nativeDelete(RepositoryDeliveryEntity, { projectId })
          await em.nativeDelete(RepositoryTriggerEntity, { projectId })
        },
      ],
    }
  },
})
