// Drafts on their way into repositories.
import { ProposalState } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { feature } from '../../feature.ts'
import { pipelinesFeature } from '../pipelines/index.ts'
import { repositoriesFeature } from '../repositories/index.ts'
import { lookAtOpenProposals } from './open-proposals.ts'
import { ProposalEntity } from './proposal.entity.ts'
import { proposalTopics } from './proposal-topics.ts'
import { proposalsApi } from './proposals.api.ts'
import { settleProposals } from './settle.ts'

export const proposalsFeature = feature({
  name: 'proposals',
  entities: [ProposalEntity],
  open({ db, bus, clock, log, publicUrl }, from) {
    const { repositories, pullRequests } = from(repositoriesFeature)
    const { proposing, takeFile } = from(pipelinesFeature)
    const deps = { db, bus, clock, repositories, pullRequests, proposing, takeFile, publicUrl }
    let settling: Promise<void> = Promise.resolve()
    /** Whatever changes there until then is looked at with it. */
    const waiting = new Set<string>()
    const stop = bus.subscribe('repository.changed', ({ repositoryId }) => {
      if (waiting.has(repositoryId)) return
      waiting.add(repositoryId)
      settling = settling
        .then(() => {
          waiting.delete(repositoryId)
          return settleProposals(deps, repositoryId)
        })
        .catch((error: unknown) => log.warn({ err: error, repositoryId }, 'proposals could not be settled yet'))
    })
    const { topics, stop: stopTopics } = proposalTopics({ db, bus, clock, log })
    return {
      services: [proposalsApi(deps)],
      topics,
      loops: [{ name: 'open proposals', everyMs: 60_000, run: lookAtOpenProposals({ db, repositories }) }],
      pipelineParticipants: [
        {
          name: 'proposals',
          async moved(em, { pipeline: { id, repositoryId } }) {
            // Nobody follows what would come of it.
            const over = { openOf: null, state: ProposalState.CLOSED }
            if (repositoryId === null) await em.nativeUpdate(ProposalEntity, { openOf: id }, over)
          },
          async deleted(em, pipelineId) {
            await em.nativeDelete(ProposalEntity, { pipelineId })
          },
        },
      ],
      deletions: [
        async (em, projectId) => {
          await em.nativeDelete(ProposalEntity, { projectId })
        },
      ],
      gives: {},
      async stop() {
        stop()
        stopTopics()
        await settling
      },
    }
  },
})
