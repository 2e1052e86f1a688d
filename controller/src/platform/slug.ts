// Slugs: short names in addresses, and how one is made from a name in any script.
import { randomBytes } from 'node:crypto'
import { invalidField } from '@ansflow/proto/errors'

const pattern = /^[a-z0-9]+(?:-[a-z0-9]+)*$/

export function readSlug(text: string, field = 'slug'): string {
  if (text.length < 2 || text.length > 64 || !pattern.test(text)) {
    throw invalidField(field, 'must be 2 to 64 of a-z, 0-9 and single hyphens, not at its ends', 'slug')
  }
  return text
}

/** Names without any Latin letter or digit get a random one. */
export function slugFrom(name: string): string {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 56)
    .replace(/^-+|-+$/g, '')
  return slug.length >= 2 ? slug : randomSlug(slug || 'p')
}

export function randomSlug(start: string): string {
  return `${start.slice(0, 56).replace(/-+$/, '')}-${randomBytes(3).toString('hex')}`
}
