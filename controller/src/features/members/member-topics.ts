// The lists of members on /live: told only that they are old.
import { notFound } from '@ansflow/proto/errors'
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { changedList } from '../../transport/live/changed-list.ts'
import { createListWatch } from '../../transport/live/list-watch.ts'
import type { LiveFeed, LiveTopic } from '../../transport/live/live-topic.ts'
import { memberVersions } from '../access/index.ts'
import { organizationOfProject } from '../projects/index.ts'

export function memberTopics({ db, bus, clock, log }: { db: Db; bus: Bus; clock: Clock; log: Logger }): {
  topics: LiveTopic[]
  stop(): void
} {
  const lists = createListWatch({
    clock,
    log,
    what: 'members',
    subscribe: (tell) => bus.subscribe('members.changed', ({ organizationId, id }) => tell(organizationId, id)),
    read: (organizationIds) => memberVersions(db, clock.now(), organizationIds),
  })

  async function feed(organizationId: string): Promise<LiveFeed> {
    await lists.begin(organizationId)
    return changedList({ clock, listen: (changed) => lists.listen(organizationId, changed) })
  }

  return {
    topics: [
      {
        pattern: 'organization/:organizationId/members',
        access: { permission: 'member.read', resource: Resource.ORGANIZATION, param: 'organizationId' },
        open: ({ organizationId = '' }) => feed(organizationId),
      },
      // A project's members are those of its organization too.
      {
        pattern: 'project/:projectId/members',
        access: { permission: 'member.read', resource: Resource.PROJECT, param: 'projectId' },
        async open({ projectId = '' }) {
          const organizationId = await organizationOfProject(db.em(), projectId)
          if (organizationId === undefined) throw notFound('project', projectId)
          return feed(organizationId)
        },
      },
    ],
    stop: lists.stop,
  }
}
