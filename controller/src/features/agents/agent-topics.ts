// The agents of an organization on /live.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { changedList } from '../../transport/live/changed-list.ts'
import { createListWatch, type ListVersions, type ListWatch } from '../../transport/live/list-watch.ts'
import type { LiveKind, LiveTopic } from '../../transport/live/live-topic.ts'
import { agentMessages } from './agent-message.ts'
import { agentsOf, findAgent } from './agent-tables.ts'

export interface AgentTopicsDeps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
  lostAfterMs: number
}

export function agentTopics(deps: AgentTopicsDeps): { topics: LiveTopic[]; stop(): void } {
  const { db, bus, clock, log, lostAfterMs } = deps
  const lists = createListWatch({
    clock,
    log,
    what: 'agents',
    subscribe: (tell) => bus.subscribe('agent.changed', ({ organizationId, agentId }) => tell(organizationId, agentId)),
    read: (organizationIds) => agentVersions(db, clock, organizationIds, lostAfterMs),
  })
  return { topics: [agentsTopic(deps, lists)], stop: lists.stop }
}

function agentsTopic({ db, clock, lostAfterMs }: AgentTopicsDeps, lists: ListWatch): LiveTopic {
  return {
    pattern: 'organization/:organizationId/agents',
    access: { permission: 'agent.read', resource: Resource.ORGANIZATION, param: 'organizationId' },
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

/** Load and life signs change all the time and are told by themselves. */
async function agentVersions(
  db: Db,
  clock: Clock,
  organizationIds: string[],
  lostAfterMs: number,
): Promise<ListVersions> {
  const versions: ListVersions = new Map()
  for (const organizationId of organizationIds) {
    const agents = await agentMessages(db, await agentsOf(db, organizationId), clock.now(), lostAfterMs)
    versions.set(
      organizationId,
      new Map(
        agents.map(({ id, name, status, draining, slots, version, labels, assignedLabels, doubledSince, jobs }) => [
          id,
          JSON.stringify([
            name,
            status,
            draining,
            slots,
            version,
            labels,
            assignedLabels,
            !!doubledSince,
            jobs.map((job) => job.jobId),
          ]),
        ]),
      ),
    )
  }
  return versions
}
