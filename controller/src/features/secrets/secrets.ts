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

export interface SecretScope extends ProjectScope {
  /** Empty: the project's own. */
  environmentId: string
}

export interface Secrets {
  /** Without values. */
  list(em: EntityManager, projectId: string, environmentId?: string): Promise<Secret[]>
  /** Inside a transaction. Throws UniqueConstraintViolationException when another call makes the same one just then. */
  put(
    em: EntityManager,
    scope: SecretScope,
    secret: { name: string; value: string; by: string; now: Date },
  ): Promise<Pick<Secret, 'name' | 'updatedAt'>>
  remove(em: EntityManager, scope: Pick<SecretScope, 'projectId' | 'environmentId'>, name: string): Promise<void>
  removeAll(em: EntityManager, projectId: string): Promise<void>
  removeOfEnvironment(em: EntityManager, environmentId: string): Promise<void>
  /** The values of those that exist, of these names: the environment's, where there is one, in the place of the project's. */
  read(
    em: EntityManager,
    of: { projectId: string; environmentId: string },
    names: readonly string[],
  ): Promise<Map<string, string>>
}

export function createSecrets(keys: Keys): Secrets {
  return {
    list: (em, projectId, environmentId = '') =>
      em.find(SecretEntity, { projectId, environmentId }, { orderBy: { name: 'asc' } }),

    async put(em, { organizationId, projectId, environmentId }, { name, value, by, now }) {
      checkName(name)
      if (Buffer.byteLength(value) > valueLimit) throw invalidField('value', 'must have at most 64 KiB', 'secret_size')
      if (value === '') throw invalidField('value', 'must not be empty', 'secret_empty')
      const context = contextOf({ organizationId, projectId, environmentId, name })
      const key = randomBytes(keyLength)
      const sealedKey = keys.seal(key, context)
      const sealedValue = seal(key, Buffer.from(value, 'utf8'), context)
      const changes = { sealedKey, sealedValue, updatedAt: now, updatedBy: by }
      const belongs = { projectId, environmentId, name }
      if ((await em.nativeUpdate(SecretEntity, belongs, changes)) === 0) {
        await em.insert(SecretEntity, { id: uuidv7(), organizationId, ...belongs, createdAt: now, ...changes })
      }
      return { name, updatedAt: now }
    },

    async remove(em, { projectId, environmentId }, name) {
      if ((await em.nativeDelete(SecretEntity, { projectId, environmentId, name })) === 0)
        throw notFound('secret', name)
    },

    async removeAll(em, projectId) {
      await em.nativeDelete(SecretEntity, { projectId })
    },

    async removeOfEnvironment(em, environmentId) {
      await em.nativeDelete(SecretEntity, { environmentId })
    },

    async read(em, { projectId, environmentId }, names) {
      if (names.length === 0) return new Map()
      const scopes = [...new Set(['', environmentId])]
      const rows = await em.find(SecretEntity, { projectId, environmentId: { $in: scopes }, name: { $in: [...names] } })
      const nearest = new Map<string, Secret>()
      for (const row of rows) if (row.environmentId !== '' || !nearest.has(row.name)) nearest.set(row.name, row)
      return new Map([...nearest].map(([name, row]) => [name, openRow(row)]))
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

type Place = Pick<Secret, 'organizationId' | 'projectId' | 'environmentId' | 'name'>

function contextOf({ organizationId, projectId, environmentId, name }: Place): string {
  // No name has a space in it: what is of an environment opens as nothing else.
  return `secret ${organizationId} ${projectId} ${environmentId === '' ? '' : `${environmentId} `}${name}`
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
