// "approvals" on /live: that some approval of the caller's organizations is another, to be fetched again. What stands in it depends on
// who looks, so nothing of it is told here.
import { ApprovalStatus } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import type { Caller } from '../../transport/call.ts'
import { changedList } from '../../transport/live/changed-list.ts'
import { createListWatch, type ListVersions } from '../../transport/live/list-watch.ts'
import type { LiveTopic } from '../../transport/live/live-topic.ts'
import type { ApprovalTables } from './approval-tables.ts'

export interface ApprovalTopicDeps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
}

export function approvalTopic({ db, bus, clock, log }: ApprovalTopicDeps): { topic: LiveTopic; stop(): void } {
  const lists = createListWatch({
    clock,
    log,
    what: 'approvals',
    subscribe: (tell) =>
      bus.subscribe('approval.changed', ({ organizationId, approvalId }) => tell(organizationId, approvalId)),
    read: (organizationIds) => waitingIn(db, organizationIds),
  })
  const topic: LiveTopic = {
    pattern: 'approvals',
    access: 'self',
    async open(_params, _from, visitor) {
      const organizations = organizationsOf(visitor.caller)
      await Promise.all(organizations.map((id) => lists.begin(id)))
      return changedList({
        clock,
        listen(changed) {
          // With other rights it is another list.
          const ends = [visitor.onChange(() => changed('')), ...organizations.map((id) => lists.listen(id, changed))]
          return () => {
            for (const end of ends) end()
          }
        },
      })
    },
  }
  return { topic, stop: lists.stop }
}

function organizationsOf(caller: Caller): string[] {
  return caller.kind === 'user' ? [...new Set(caller.grants.map(({ organizationId }) => organizationId))] : []
}

/** One that is decided is not among them any more. */
async function waitingIn(db: Db, organizationIds: string[]): Promise<ListVersions> {
  const versions: ListVersions = new Map(organizationIds.map((id) => [id, new Map()]))
  if (organizationIds.length === 0) return versions
  const rows = await db
    .kysely<ApprovalTables>()
    .selectFrom('approval')
    .select(['id', 'organization_id', 'version'])
    .where('organization_id', 'in', organizationIds)
    .where('status', '=', ApprovalStatus.WAITING)
    .execute()
  for (const { id, organization_id, version } of rows) versions.get(organization_id)?.set(id, String(version))
  return versions
}
