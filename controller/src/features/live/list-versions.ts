// What the lists of runs and agents hold, as versions that differ after every change people can see.
import { RunStatus } from '@ansflow/proto/status'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { agentMessages, agentsOf } from '../agents/index.ts'
import type { ListVersions } from './list-watch.ts'

/** Runs younger than this are looked at also when they have ended: one may begin and end between two looks. */
const youngMs = 60_000

const active = [RunStatus.WAITING, RunStatus.BLOCKED, RunStatus.QUEUED, RunStatus.RUNNING]

interface RunVersionRow {
  id: string
  project_id: string
  seq: number
  status: number
}

/** By project: runs that go on, young ones, and those of the last look that have just ended. */
export async function runVersions(
  db: Db,
  clock: Clock,
  projectIds: string[],
  known: ListVersions,
): Promise<ListVersions> {
  const runs = db.kysely<{ run: RunVersionRow }>()
  const columns = ['id', 'project_id', 'seq'] as const
  const versions: ListVersions = new Map(projectIds.map((id) => [id, new Map()]))
  const put = (rows: Pick<RunVersionRow, (typeof columns)[number]>[]) => {
    for (const row of rows) versions.get(row.project_id)?.set(row.id, String(row.seq))
  }
  // Of every project: by its project too, the database would go through all the runs that each has ever had.
  put(await runs.selectFrom('run').select(columns).where('status', 'in', active).execute())
  for (const some of inBatches(projectIds)) {
    const young = runs.selectFrom('run').select(columns).where('project_id', 'in', some)
    put(await young.where('id', '>', idsFrom(clock.now().getTime() - youngMs)).execute())
  }
  const missing = projectIds.flatMap((projectId) =>
    [...(known.get(projectId)?.keys() ?? [])].filter((id) => !versions.get(projectId)?.has(id)),
  )
  for (const some of inBatches(missing)) {
    put(await runs.selectFrom('run').select(columns).where('id', 'in', some).execute())
  }
  return versions
}

interface GrantRow {
  id: string
  organization_id: string
  role: number
}

/** By organization: the grants on it and its projects, and the open invitations. */
export async function memberVersions(db: Db, organizationIds: string[]): Promise<ListVersions> {
  const rows = db.kysely<{ access_grant: GrantRow; invitation: GrantRow }>()
  const versions: ListVersions = new Map(organizationIds.map((id) => [id, new Map()]))
  for (const some of inBatches(organizationIds)) {
    for (const table of ['access_grant', 'invitation'] as const) {
      const query = rows.selectFrom(table).select(['id', 'organization_id', 'role'])
      for (const { id, organization_id, role } of await query.where('organization_id', 'in', some).execute()) {
        versions.get(organization_id)?.set(id, String(role))
      }
    }
  }
  return versions
}

/** Load and life signs change all the time and are told by themselves. */
export async function agentVersions(
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

/** Ids are UUIDv7: what begins with a later time sorts behind this. */
function idsFrom(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

function inBatches<T>(all: T[], size = 500): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}
