// People: made once, with an address that is theirs alone; how they look in answers.
import { conflict, invalidField } from '@ansflow/proto/errors'
import { type User as UserMessage, UserSchema } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { type User, UserEntity } from './user.entity.ts'

export function readEmail(text: string, field = 'email'): string {
  const email = text.trim().toLowerCase()
  if (!/^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(email) || email.length > 254)
    throw invalidField(field, 'must be an e-mail address', 'email')
  return email
}

export function readLanguage(text: string): string {
  if (!['', 'en', 'zh-CN'].includes(text)) throw invalidField('language', 'must be "en", "zh-CN" or empty')
  return text
}

export function readTheme(text: string): string {
  if (!['', 'light', 'dark'].includes(text)) throw invalidField('theme', 'must be "light", "dark" or empty')
  return text
}

/** Inside a transaction. */
export async function makePerson(
  em: EntityManager,
  person: { email: string; name: string; passwordHash: string; language: string; now: Date },
): Promise<User> {
  const { email, name, passwordHash, language, now } = person
  if ((await em.count(UserEntity, { email })) > 0) throw conflict('email_taken', 'This address has an account already.')
  const user = em.create(UserEntity, {
    id: uuidv7(),
    email,
    name,
    passwordHash,
    language,
    theme: '',
    createdAt: now,
    lastSeenAt: now,
  })
  await em.flush()
  return user
}

export function toUser(user: User): UserMessage {
  const { id, email, name, language, theme } = user
  const init: MessageInitShape<typeof UserSchema> = { id, email, name, language, theme }
  return create(UserSchema, init)
}

/** By id. */
export async function namesOfPeople(em: EntityManager, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const users = await em.find(UserEntity, { id: { $in: ids } }, { fields: ['id', 'name'] })
  return new Map(users.map(({ id, name }) => [id, name]))
}

/** By name. */
export function peopleById(em: EntityManager, ids: string[]): Promise<User[]> {
  return em.find(UserEntity, { id: { $in: ids } }, { orderBy: { name: 'asc', id: 'asc' } })
}

export function personByEmail(em: EntityManager, email: string): Promise<User | null> {
  return em.findOne(UserEntity, { email })
}
