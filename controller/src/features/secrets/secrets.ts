// Secrets of projects in envelope encryption: each value under a key of its own, that key under the key ring's, both bound
// to organization, project and name, so that a row copied elsewhere does not open.
import { randomBytes } from 'node:crypto'
import { invalidField, notFound } from '@ansflow/proto/errors'
import { patterns } from '@ansflow/proto/limits'
import { reservedProblem } from '@ansflow/proto/step-variables'
import { saidText } from '@ansflow/proto/texts/said-text'
import { type Keys, keyLength, open, seal } from '../../platform/crypto.ts'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { ProjectScope } from '../../transport/call.ts'
import { type Secret, SecretEntity } from './secret.entity.ts'

const valueLimit = 64 * 1024

export interface Secrets {
  /** Without values. */
  list(em: EntityManager, projectId: string): Promise<Secret[]>
  /** Inside a transaction. Throws UniqueConstraintViolationException when another call makes the same one just then. */
  put(
    em: EntityManager,
    scope: ProjectScope,
    secret: { name: string; value: string; by: string; now: Date },
  ): Promise<Pick<Secret, 'name' | 'updatedAt'>>
  remove(em: EntityManager, projectId: string, name: string): Promise<void>
  removeAll(em: EntityManager, projectId: string): Promise<void>
  /** The values of those that exist, of these names. */
  read(em: EntityManager, projectId: string, names: readonly string[]): Promise<Map<string, string>>
}

export function createSecrets(keys: Keys): Secrets {
  return {
    list: (em, projectId) => em.find(SecretEntity, { projectId }, { orderBy: { name: 'asc' } }),

    async put(em, { organizationId, projectId }, { name, value, by, now }) {
      checkName(name)
      if (Buffer.byteLength(value) > valueLimit) throw invalidField('value', 'must have at most 64 KiB', 'secret_size')
      if (value === '') throw invalidField('value', 'must not be empty', 'secret_empty')
      const context = contextOf({ organizationId, projectId, name })
      const key = randomBytes(keyLength)
      const sealedKey = keys.seal(key, context)
      const sealedValue = seal(key, Buffer.from(value, 'utf8'), context)
      const changes = { sealedKey, sealedValue, updatedAt: now, updatedBy: by }
      if ((await em.nativeUpdate(SecretEntity, { projectId, name }, changes)) === 0) {
        await em.insert(SecretEntity, { id: uuidv7(), organizationId, projectId, name, createdAt: now, ...changes })
      }
      return { name, updatedAt: now }
    },

    async remove(em, projectId, name) {
      if ((await em.nativeDelete(SecretEntity, { projectId, name })) === 0) throw notFound('secret', name)
    },

    async removeAll(em, projectId) {
      await em.nativeDelete(SecretEntity, { projectId })
    },

    async read(em, projectId, names) {
      if (names.length === 0) return new Map()
      const rows = await em.find(SecretEntity, { projectId, name: { $in: [...names] } })
      return new Map(rows.map((row) => [row.name, openRow(row)]))
    },
  }

  function openRow(row: Secret): string {
    const context = contextOf(row)
    return open(keys.open(row.sealedKey, context), row.sealedValue, context).toString('utf8')
  }
}

/** Inside a transaction: the keys of all secrets out of one sealing and into another. Answers how many. */
export async function rewrapSecrets(em: EntityManager, from: Keys, to: Keys): Promise<number> {
  const rows = await em.find(SecretEntity, {})
  for (const row of rows) {
    const context = contextOf(row)
    const sealedKey = to.seal(from.open(row.sealedKey, context), context)
    await em.nativeUpdate(SecretEntity, { id: row.id }, { sealedKey })
  }
  return rows.length
}

function contextOf({ organizationId, projectId, name }: Pick<Secret, 'organizationId' | 'projectId' | 'name'>): string {
  return `secret ${organizationId} ${projectId} ${name}`
}

function checkName(name: string): void {
  if (!patterns.identifier.test(name)) {
    const message = 'must be letters, digits and _, not beginning with a digit, at most 128'
    throw invalidField('name', message, 'secret_name')
  }
  // Steps find a secret in the variable of its name.
  const reserved = reservedProblem(name)
  if (reserved !== undefined) throw invalidField('name', saidText(reserved), 'secret_reserved')
}
