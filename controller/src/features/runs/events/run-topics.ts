// What can be followed of runs on /live: one run, and the runs of a project.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { Bus } from '../../../platform/bus.ts'
import type { Clock } from '../../../platform/clock.ts'
import type { Db } from '../../../platform/db.ts'
import type { Logger } from '../../../platform/log.ts'
import { changedList } from '../../../transport/live/changed-list.ts'
import { createListWatch, type ListWatch } from '../../../transport/live/list-watch.ts'
import type { LiveFeed, LiveKind, LiveTopic } from '../../../transport/live/live-topic.ts'
import { readRunHead } from '../views/list-runs.ts'
import type { FollowRun } from './follow-run.ts'
import { runVersions } from './run-versions.ts'

export interface RunTopicsDeps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
  follow: FollowRun
}

export function runTopics(deps: RunTopicsDeps): { topics: LiveTopic[]; stop(): void } {
  const { db, bus, clock, log } = deps
  const lists = createListWatch({
    clock,
    log,
    what: 'runs',
    subscribe: (tell) =>
      bus.subscribe('run.changed', ({ projectId, runId, seq }) => tell(projectId, runId, String(seq))),
    read: (projectIds, known) => runVersions(db, clock, projectIds, known),
  })
  return { topics: [runTopic(deps), runsTopic(deps, lists)], stop: lists.stop }
}

/** One run's events: numbers are the run's own, the same on every controller. */
function runTopic({ follow }: RunTopicsDeps): LiveTopic {
  return {
    pattern: 'run/:runId',
    access: { permission: 'run.read', resource: Resource.RUN, param: 'runId' },
    async open({ runId = '' }, { afterSeq }): Promise<LiveFeed> {
      return {
        stream: runId,
        seq: () => afterSeq,
        restarts: true,
        async *frames(signal) {
          for await (const events of follow(runId, afterSeq, signal)) {
            for (const event of events)
              yield { type: 'event', seq: event.seq, kind: { case: 'run', value: event }, sameForAll: true }
          }
        },
      }
    },
  }
}

/** The runs of a project, for lists. */
function runsTopic({ db, clock }: RunTopicsDeps, lists: ListWatch): LiveTopic {
  return {
    pattern: 'project/:projectId/runs',
    access: { permission: 'run.read', resource: Resource.PROJECT, param: 'projectId' },
    async open({ projectId = '' }) {
      await lists.begin(projectId)
      return changedList({
        clock,
        listen: (changed) => lists.listen(projectId, changed),
        async present(ids) {
          const kinds: LiveKind[] = []
          for (const id of ids) {
            const run = await readRunHead(db, db.em(), id)
            if (run) kinds.push({ case: 'runChanged', value: run })
          }
          return kinds
        },
      })
    },
  }
}
