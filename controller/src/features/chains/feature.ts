// Runs that start runs: steps that run another pipeline, and pipelines that start when runs of others have ended.
import { sql } from 'kysely'
import { feature } from '../../feature.ts'
import { deleteRows } from '../../platform/delete-rows.ts'
import { runsFeature } from '../runs/index.ts'
import { chainParticipant } from './chain-participant.ts'
import type { ChainTables } from './chain-tables.ts'
import { ChainedRunEntity } from './chained-run.entity.ts'
import { chainsApi } from './chains.api.ts'
import { lackingPipelines } from './lacking-pipelines.ts'
import { deleteLinksOf, linkKeeper } from './link-keeper.ts'
import { PipelineLinkEntity } from './pipeline-link.entity.ts'
import { settleChains } from './settle-chains.ts'

export const chainsFeature = feature({
  name: 'chains',
  entities: [ChainedRunEntity, PipelineLinkEntity],
  open({ db, bus, clock, log, workers }, from) {
    const { driver } = from(runsFeature)
    const deps = { db, clock, log, workers, driver }
    return {
      services: [chainsApi()],
      participants: [chainParticipant(bus)],
      pipelineParticipants: [{ ...linkKeeper, lacking: lackingPipelines }],
      loops: [{ name: 'chains', everyMs: 2000, wakeOn: ['chain.due'], run: () => settleChains(deps) }],
      deletions: [
        deleteLinksOf,
        async (em, projectId) => {
          await deleteRows(em.getKysely<ChainTables>(), 'chained_run', sql`project_id = ${projectId}`)
        },
      ],
    }
  },
})
