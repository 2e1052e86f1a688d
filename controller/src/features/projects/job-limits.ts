// The projects that limit how many of their jobs agents have at once. Few do, so all of them are known here, and nobody has to ask for
// them when a job is placed; a change is told, and found by a look now and then where that was lost.
import type { JobLimits } from '@ansflow/engine/pick-job'
import type { Db } from '../../platform/db.ts'

interface Tables {
  project: { id: string; organization_id: string; job_limit: number }
}

export interface JobLimitBook {
  all(): JobLimits
  read(): Promise<void>
  /** Calls with the organizations of the projects whose limit is another one now. */
  changed(listener: (organizationId: string) => void): void
}

export function jobLimitBook(db: Db): JobLimitBook {
  let rows = new Map<string, { limit: number; organizationId: string }>()
  let limits: JobLimits = new Map()
  const listeners: ((organizationId: string) => void)[] = []
  return {
    all: () => limits,
    changed: (listener) => void listeners.push(listener),
    async read() {
      const found = await db
        .kysely<Tables>()
        .selectFrom('project')
        .select(['id', 'organization_id', 'job_limit'])
        .where('job_limit', '>', 0)
        .execute()
      const before = rows
      rows = new Map(
        found.map((row) => [row.id, { limit: row.job_limit, organizationId: row.organization_id }] as const),
      )
      limits = new Map([...rows].map(([id, { limit }]) => [id, limit]))
      const other = [...rows, ...before].filter(([id]) => rows.get(id)?.limit !== before.get(id)?.limit)
      for (const organizationId of new Set(other.map(([, row]) => row.organizationId))) {
        for (const listener of listeners) listener(organizationId)
      }
    },
  }
}
