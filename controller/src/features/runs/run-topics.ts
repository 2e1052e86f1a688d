// What can be followed of runs on /live: one run, and the runs of a project.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { WatchRunResponse } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { createBell, type Watch } from '../../platform/watch.ts'
import { changedList } from '../../transport/live/changed-list.ts'
import { createListWatch, type ListWatch } from '../../transport/live/list-watch.ts'
import type { LiveFeed, LiveKind, LiveTopic } from '../../transport/live/live-topic.ts'
import { readRunHead } from './list-runs.ts'
import { runEventsAfter } from './run-events.ts'
import { runVersions } from './run-versions.ts'

export interface RunTopicsDeps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
  watch: Watch
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

const mostEvents = 200

/** One run's events: numbers are the run's own, the same on every controller. */
function runTopic({ db, watch }: RunTopicsDeps): LiveTopic {
  const reading = new Map<string, Promise<WatchRunResponse[]>>()

  /** Sockets at the same place share one reading, unless there was news since it began. */
  function eventsAfter(runId: string, seq: number): Promise<WatchRunResponse[]> {
    const key = `${runId} ${seq} ${watch.version(runId)}`
    let events = reading.get(key)
    if (!events) {
      events = runEventsAfter(db.em(), runId, seq, mostEvents).finally(() => reading.delete(key))
      reading.set(key, events)
    }
    return events
  }

  return {
    pattern: 'run/:runId',
    access: { permission: 'run.read', resource: Resource.RUN, param: 'runId' },
    async open({ runId = '' }, { afterSeq }): Promise<LiveFeed> {
      return {
        stream: runId,
        seq: () => afterSeq,
        restarts: true,
        async *frames(signal) {
          const bell = createBell()
          const end = watch.listen(runId, bell.ring)
          signal.addEventListener('abort', bell.ring)
          try {
            let last = afterSeq
            while (!signal.aborted) {
              const events = await eventsAfter(runId, last)
              for (const event of events) {
                last = event.seq
                yield { type: 'event', seq: event.seq, kind: { case: 'run', value: event }, sameForAll: true }
              }
              if (events.length < mostEvents) await bell.wait()
            }
          } finally {
            signal.removeEventListener('abort', bell.ring)
            end()
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
