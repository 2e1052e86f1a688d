// What the lists of members hold, as versions that differ after every change people can see.
import type { Db } from '../../platform/db.ts'
import type { ListVersions } from '../../transport/live/list-watch.ts'

interface GrantRow {
  id: string
  organization_id: string
  role: number
}

const batch = 500

/** By organization: the grants on it and its projects, and the open invitations. */
export async function memberVersions(db: Db, organizationIds: string[]): Promise<ListVersions> {
  const rows = db.kysely<{ access_grant: GrantRow; invitation: GrantRow }>()
  const versions: ListVersions = new Map(organizationIds.map((id) => [id, new Map()]))
  for (let at = 0; at < organizationIds.length; at += batch) {
    const some = organizationIds.slice(at, at + batch)
    for (const table of ['access_grant', 'invitation'] as const) {
      const query = rows.selectFrom(table).select(['id', 'organization_id', 'role'])
      for (const { id, organization_id, role } of await query.where('organization_id', 'in', some).execute()) {
        versions.get(organization_id)?.set(id, String(role))
      }
    }
  }
  return versions
}
