// The repositories of a project on /live: told only that what is shown of them is old.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { changedList } from '../../transport/live/changed-list.ts'
import { createListWatch, type ListVersions } from '../../transport/live/list-watch.ts'
import type { LiveTopic } from '../../transport/live/live-topic.ts'
import { RepositoryEntity } from './repository.entity.ts'

interface Deps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
}

export function repositoryTopics({ db, bus, clock, log }: Deps): { topics: LiveTopic[]; stop(): void } {
  const lists = createListWatch({
    clock,
    log,
    what: 'repositories',
    subscribe: (tell) =>
      bus.subscribe('repository.changed', ({ projectId, repositoryId }) => tell(projectId, repositoryId)),
    read: (projectIds) => repositoryVersions(db, projectIds),
  })
  const topic: LiveTopic = {
    pattern: 'project/:projectId/repositories',
    access: { permission: 'repository.read', resource: Resource.PROJECT, param: 'projectId' },
    async open({ projectId = '' }) {
      await lists.begin(projectId)
      return changedList({ clock, listen: (changed) => lists.listen(projectId, changed) })
    },
  }
  return { topics: [topic], stop: lists.stop }
}

async function repositoryVersions(db: Db, projectIds: string[]): Promise<ListVersions> {
  const rows = await db.em().find(RepositoryEntity, { projectId: { $in: projectIds } })
  const found: ListVersions = new Map(projectIds.map((id) => [id, new Map()]))
  // When it is looked at next is nothing that anybody sees.
  for (const { lookAt: _, ...row } of rows) found.get(row.projectId)!.set(row.id, JSON.stringify(row))
  return found
}
