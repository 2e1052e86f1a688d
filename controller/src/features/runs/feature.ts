// Runs: how they are started, driven, shown and followed.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { feature, port } from '../../feature.ts'
import { pipelinesFeature } from '../pipelines/index.ts'
import { deleteRunsOf } from './delete-runs.ts'
import { type AskHead, atHead } from './driver/at-head.ts'
import { type AskFileHashes, withFileHashes } from './driver/look-up-files.ts'
import { createRunDriver, type RunDriver } from './driver/run-driver.ts'
import { createFollowRun } from './events/follow-run.ts'
import { createRunEvents } from './events/run-events.ts'
import { runTopics } from './events/run-topics.ts'
import { createRunWatch } from './events/run-watch.ts'
import { JobEntity, WorkspacePinEntity } from './job.entity.ts'
import type { Placement } from './jobs/place-jobs.ts'
import type { AskRepository } from './origin.ts'
import type { RunParticipant } from './participant.ts'
import { type RepeatRun, repeatRun } from './repeat-run.ts'
import type { RerunNeeds } from './rerun.ts'
import { RunCounterEntity, RunEntity, RunEventEntity, RunGraphEntity, RunStepEntity } from './run.entity.ts'
import { runScope } from './run-scope.ts'
import { runsApi } from './runs.api.ts'
import { WorkEntity } from './work.entity.ts'

export const runsFeature = feature({
  name: 'runs',
  entities: [
    RunEntity,
    RunCounterEntity,
    RunGraphEntity,
    RunStepEntity,
    RunEventEntity,
    JobEntity,
    WorkspacePinEntity,
    WorkEntity,
  ],
  open({ db, bus, clock, log, workers, features }, from) {
    const { drafts, includesOf } = from(pipelinesFeature)
    const placement = port<Placement>('a placement of jobs')
    const approvals = port<RerunNeeds['approvals']>('what people have approved')
    const keepers = port<RerunNeeds['keepers']>('agents with workspaces')
    const askRepository = port<AskRepository>('repositories that runs are for')
    const needs: RerunNeeds = { approvals: (ids) => approvals()(ids), keepers: (ids) => keepers()(ids) }
    let found: RunParticipant[] | undefined
    const participants = () => {
      found ??= features.flatMap((each) => each.participants ?? [])
      return found
    }
    const events = createRunEvents(db)
    const { committed } = events
    const place: Placement = (...jobs) => placement()(...jobs)
    const fileHashes = port<AskFileHashes>('files of the commits that runs are for')
    const head = port<AskHead>('the commits that files of pipelines are of')
    const begins = createRunDriver({ db, bus, clock, log, participants, place, committed })
    const driver: RunDriver = {
      ...begins,
      async start(run) {
        const placed = await atHead(run, (pipelineId) => head()(pipelineId))
        return begins.start(await withFileHashes(placed, (asked) => fileHashes()(asked)))
      },
    }
    const watch = createRunWatch({ db, bus, clock, log })
    const follow = createFollowRun({ events, watch })
    const repeat: RepeatRun = (asked) => repeatRun({ db, clock, driver, needs }, asked)
    const { topics, stop } = runTopics({ db, bus, clock, log, follow })
    return {
      services: [runsApi({ db, clock, driver, follow, drafts, includesOf, workers, needs, askRepository })],
      topics,
      loops: [{ name: 'runs', everyMs: 2000, run: driver.sweep }],
      scopes: { [Resource.RUN]: runScope },
      deletions: [deleteRunsOf],
      async stop() {
        stop()
        watch.stop()
        await driver.stop()
      },
      gives: { driver, repeat, watch, placement, approvals, keepers, askRepository, fileHashes, head },
    }
  },
})
