// Makes organizations with a slug of their own.
import { LockMode } from '@mikro-orm/core'
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

/**
 * The organization of the first owner: the one that was made before anybody came, so that the local agent had a place to
 * register, under its new name; else a new one. Inside a transaction.
 */
export async function firstOrganization(em: EntityManager, name: string, now: Date): Promise<Organization> {
  const first = await oldestOrganization(em, name, now)
  first.name = name
  first.slug = slugFrom(name)
  await em.flush()
  return first
}

/** Made with this name when there is none. Inside a transaction. */
export async function oldestOrganization(em: EntityManager, name: string, now: Date): Promise<Organization> {
  const [oldest] = await em.find(OrganizationEntity, {}, { limit: 1, orderBy: { createdAt: 'asc', id: 'asc' } })
  return oldest ?? makeOrganization(em, name, now)
}

/** Inside a transaction: changes of an organization's members happen one after the other. */
export async function lockOrganization(em: EntityManager, id: string): Promise<void> {
  await em.findOne(OrganizationEntity, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE })
}

export async function organizationsById(em: EntityManager, ids: string[]): Promise<Organization[]> {
  return ids.length === 0
    ? []
    : em.find(OrganizationEntity, { id: { $in: ids } }, { orderBy: { name: 'asc', id: 'asc' } })
}
