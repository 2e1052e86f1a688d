// The open proposals of a project on /live: told only that they are others.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { changedList } from '../../transport/live/changed-list.ts'
import { createListWatch, type ListVersions } from '../../transport/live/list-watch.ts'
import type { LiveTopic } from '../../transport/live/live-topic.ts'
import { ProposalEntity } from './proposal.entity.ts'

interface Deps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
}

export function proposalTopics({ db, bus, clock, log }: Deps): { topics: LiveTopic[]; stop(): void } {
  const lists = createListWatch({
    clock,
    log,
    what: 'proposals',
    subscribe: (tell) => bus.subscribe('proposals.changed', ({ projectId, pipelineId }) => tell(projectId, pipelineId)),
    read: (projectIds) => openVersions(db, projectIds),
  })
  const topic: LiveTopic = {
    pattern: 'project/:projectId/proposals',
    access: { permission: 'pipeline.read', resource: Resource.PROJECT, param: 'projectId' },
    async open({ projectId = '' }) {
      await lists.begin(projectId)
      return changedList({ clock, listen: (changed) => lists.listen(projectId, changed) })
    },
  }
  return { topics: [topic], stop: lists.stop }
}

/** By pipeline: each has one at most. */
async function openVersions(db: Db, projectIds: string[]): Promise<ListVersions> {
  const open = { projectId: { $in: projectIds }, openOf: { $ne: null } }
  const rows = await db.em().find(ProposalEntity, open)
  const found: ListVersions = new Map(projectIds.map((id) => [id, new Map()]))
  for (const row of rows) found.get(row.projectId)!.set(row.pipelineId, JSON.stringify(row))
  return found
}
