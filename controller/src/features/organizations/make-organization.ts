// Makes organizations with a slug of their own.
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { randomSlug, slugFrom } from '../../platform/slug.ts'
import { type Organization, OrganizationEntity } from './organization.entity.ts'

/** Inside a transaction. */
export async function makeOrganization(em: EntityManager, name: string, now: Date): Promise<Organization> {
  let slug = slugFrom(name)
  while ((await em.count(OrganizationEntity, { slug })) > 0) slug = randomSlug(slug)
  const organization = em.create(OrganizationEntity, { id: uuidv7(), slug, name, createdAt: now })
  await em.flush()
  return organization
}

export async function organizationsById(em: EntityManager, ids: string[]): Promise<Organization[]> {
  return ids.length === 0
    ? []
    : em.find(OrganizationEntity, { id: { $in: ids } }, { orderBy: { name: 'asc', id: 'asc' } })
}
