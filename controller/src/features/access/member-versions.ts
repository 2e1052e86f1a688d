// What the lists of members hold, as versions that differ after every change people can see.
import type { Db } from '../../platform/db.ts'
import type { ListVersions } from '../../transport/live/list-watch.ts'

interface GrantRow {
  id: string
  organization_id: string
  role_id: string
  expires_at: unknown
}

const batch = 500

/** By organization: the grants on it and its projects, and the open invitations. What is over is not there any more. */
export async function memberVersions(db: Db, now: Date, organizationIds: string[]): Promise<ListVersions> {
  const rows = db.kysely<{ access_grant: GrantRow; invitation: GrantRow }>()
  const versions: ListVersions = new Map(organizationIds.map((id) => [id, new Map()]))
  for (let at = 0; at < organizationIds.length; at += batch) {
    const some = organizationIds.slice(at, at + batch)
    for (const table of ['access_grant', 'invitation'] as const) {
      const query = rows.selectFrom(table).select(['id', 'organization_id', 'role_id', 'expires_at'])
      for (const row of await query.where('organization_id', 'in', some).execute()) {
        const end = row.expires_at === null ? undefined : db.fromColumn(row.expires_at)
        if (end && end <= now) continue
        versions.get(row.organization_id)?.set(row.id, `${row.role_id} ${end?.getTime()}`)
      }
    }
  }
  return versions
}
