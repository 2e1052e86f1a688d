// What the lists of runs hold, as versions that differ after every change people can see.
import { RunStatus } from '@ansflow/proto/status'
import type { Clock } from '../../../platform/clock.ts'
import type { Db } from '../../../platform/db.ts'
import { idsFrom } from '../../../platform/ids.ts'
import type { ListVersions } from '../../../transport/live/list-watch.ts'

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

function inBatches<T>(all: T[], size = 500): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}
