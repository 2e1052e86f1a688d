// The topics of /live: what each follows and who may.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { WatchRunResponse } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { createBell, type Watch } from '../../platform/watch.ts'
import type { Allow } from '../../transport/allow.ts'
import type { LiveFeed, LiveKind, LiveTopic } from '../../transport/live-topic.ts'
import { agentMessages, findAgent } from '../agents/index.ts'
import { findAttempt, type LogWatch } from '../logs/index.ts'
import { ProjectEntity } from '../projects/index.ts'
import { readRunHead, runEventsAfter } from '../runs/index.ts'
import { changedList } from './changed-list.ts'
import { agentVersions, memberVersions, runVersions } from './list-versions.ts'
import { createListWatch, type ListWatch } from './list-watch.ts'

export interface LiveTopicsDeps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
  allow: Allow
  logWatch: LogWatch
  runWatch: Watch
  lostAfterMs: number
}

export interface LiveTopics {
  topics: LiveTopic[]
  stop(): void
}

export function liveTopics(deps: LiveTopicsDeps): LiveTopics {
  const { db, bus, clock, log, runWatch: watch, lostAfterMs } = deps
  const runLists = createListWatch({
    clock,
    log,
    what: 'runs',
    subscribe: (tell) =>
      bus.subscribe('run.changed', ({ projectId, runId, seq }) => tell(projectId, runId, String(seq))),
    read: (projectIds, known) => runVersions(db, clock, projectIds, known),
  })
  const agentLists = createListWatch({
    clock,
    log,
    what: 'agents',
    subscribe: (tell) => bus.subscribe('agent.changed', ({ organizationId, agentId }) => tell(organizationId, agentId)),
    read: (organizationIds) => agentVersions(db, clock, organizationIds, lostAfterMs),
  })
  const memberLists = createListWatch({
    clock,
    log,
    what: 'members',
    subscribe: (tell) => bus.subscribe('members.changed', ({ organizationId, id }) => tell(organizationId, id)),
    read: (organizationIds) => memberVersions(db, organizationIds),
  })
  return {
    topics: [
      runTopic(deps, watch),
      runsTopic(deps, runLists),
      agentsTopic(deps, agentLists),
      organizationMembersTopic(deps, memberLists),
      projectMembersTopic(deps, memberLists),
      logTopic(deps),
    ],
    stop() {
      for (const lists of [runLists, agentLists, memberLists]) lists.stop()
    },
  }
}

const mostEvents = 200

/** One run's events: numbers are the run's own, the same on every controller. */
function runTopic({ db, allow }: LiveTopicsDeps, watch: Watch): LiveTopic {
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
    authorize: (em, caller, { runId = '' }) => allow(em, caller, 'run.read', Resource.RUN, runId),
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
function runsTopic({ db, clock, allow }: LiveTopicsDeps, lists: ListWatch): LiveTopic {
  return {
    pattern: 'project/:projectId/runs',
    authorize: (em, caller, { projectId = '' }) => allow(em, caller, 'run.read', Resource.PROJECT, projectId),
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

function agentsTopic({ db, clock, allow, lostAfterMs }: LiveTopicsDeps, lists: ListWatch): LiveTopic {
  return {
    pattern: 'organization/:organizationId/agents',
    authorize: (em, caller, { organizationId = '' }) =>
      allow(em, caller, 'agent.read', Resource.ORGANIZATION, organizationId),
    async open({ organizationId = '' }) {
      await lists.begin(organizationId)
      return changedList({
        clock,
        listen: (changed) => lists.listen(organizationId, changed),
        async present(ids) {
          const found = await Promise.all(ids.map((id) => findAgent(db, id)))
          const known = found.filter((agent) => agent !== null)
          const gone = ids.filter((id) => !known.some((agent) => agent.id === id))
          const messages = await agentMessages(db, known, clock.now(), lostAfterMs)
          return [
            ...messages.map((agent): LiveKind => ({ case: 'agentChanged', value: agent })),
            ...gone.map((id): LiveKind => ({ case: 'agentRemoved', value: id })),
          ]
        },
      })
    },
  }
}

function organizationMembersTopic({ clock, allow }: LiveTopicsDeps, lists: ListWatch): LiveTopic {
  return {
    pattern: 'organization/:organizationId/members',
    authorize: (em, caller, { organizationId = '' }) =>
      allow(em, caller, 'member.read', Resource.ORGANIZATION, organizationId),
    open: ({ organizationId = '' }) => membersFeed(clock, lists, organizationId),
  }
}

/** A project's members are those of its organization too. */
function projectMembersTopic({ db, clock, allow }: LiveTopicsDeps, lists: ListWatch): LiveTopic {
  return {
    pattern: 'project/:projectId/members',
    authorize: (em, caller, { projectId = '' }) => allow(em, caller, 'member.read', Resource.PROJECT, projectId),
    async open({ projectId = '' }) {
      const project = await db.em().findOneOrFail(ProjectEntity, { id: projectId })
      return membersFeed(clock, lists, project.organizationId)
    },
  }
}

async function membersFeed(clock: Clock, lists: ListWatch, organizationId: string): Promise<LiveFeed> {
  await lists.begin(organizationId)
  return changedList({ clock, listen: (changed) => lists.listen(organizationId, changed) })
}

/** One attempt's log: bytes instead of numbers. */
function logTopic({ db, allow, logWatch }: LiveTopicsDeps): LiveTopic {
  return {
    pattern: 'log/:runId/:stepId/:attempt',
    authorize: (em, caller, { runId = '' }) => allow(em, caller, 'run.read', Resource.RUN, runId),
    async open({ runId = '', stepId = '', attempt = '' }, { offset }): Promise<LiveFeed> {
      const { jobId } = await findAttempt(db, { runId, stepId, attempt: Number.parseInt(attempt, 10) || 0 })
      return {
        stream: jobId,
        seq: () => 0,
        restarts: true,
        async *frames(signal) {
          for await (const tail of logWatch.follow(jobId, offset, signal)) yield { type: 'chunk', ...tail }
        },
      }
    },
  }
}
