// Pipelines: drafts and published versions.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { feature, port } from '../../feature.ts'
import type { EntityManager } from '../../platform/db.ts'
import type { CallContext } from '../../transport/call.ts'
import { deletePipelinesOf } from './delete-pipelines.ts'
import { DraftEntity, DraftUpdateEntity } from './draft.entity.ts'
import type { Drafts } from './drafts.ts'
import { foreseeFiles } from './foresee-file.ts'
import { draftIncludes, type HeadFiles } from './includes/include-sources.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { PipelineEntity } from './pipeline.entity.ts'
import { pipelineScope } from './pipeline-scope.ts'
import { PipelineVersionEntity } from './pipeline-version.entity.ts'
import { type PipelinesDeps, pipelinesApi } from './pipelines.api.ts'
import { releasePipelinesOf } from './pipelines-of-repository.ts'
import { proposing } from './proposing.ts'
import { type TakeFile, takeFile } from './take-file.ts'

export const pipelinesFeature = feature({
  name: 'pipelines',
  entities: [PipelineEntity, PipelineVersionEntity, DraftEntity, DraftUpdateEntity],
  open({ db, clock, workers, features }) {
    const drafts = port<Drafts>('live drafts')
    const headFiles = port<HeadFiles>('files of repositories')
    const includesOf = (ctx: CallContext) => draftIncludes((...asked) => headFiles()(...asked), ctx)
    const agentLabels = port<PipelinesDeps['agentLabels']>('labels of agents')
    const inOrder = oneAtATime()
    const participants = () => features.flatMap((each) => each.pipelineParticipants ?? [])
    return {
      services: [
        pipelinesApi({ db, clock, drafts, workers, participants, includesOf, agentLabels: (id) => agentLabels()(id) }),
      ],
      scopes: { [Resource.PIPELINE]: pipelineScope },
      deletions: [deletePipelinesOf],
      gives: {
        drafts,
        agentLabels,
        headFiles,
        includesOf,
        proposing: proposing({ db, drafts, workers, participants, agentLabels: (id) => agentLabels()(id) }),
        takeFile: (asked: TakeFile) =>
          takeFile({ db, drafts: drafts(), workers, participants: participants(), inOrder }, asked),
        releasePipelinesOf: (em: EntityManager, repositoryId: string) =>
          releasePipelinesOf(em, participants(), repositoryId),
        foreseeFiles: () => foreseeFiles({ db, workers, participants: participants() }),
      },
    }
  },
})
