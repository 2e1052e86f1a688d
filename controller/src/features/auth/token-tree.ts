// API tokens form a tree: a token that makes one is its parent. What is revoked goes with everything under it and with what
// those made to let others in, so that a stolen token leaves no way back.
import { unauthenticated } from '@ansflow/proto/errors'
import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '../../platform/db.ts'
import type { Caller } from '../../transport/call.ts'
import { invitationsMadeByTokens, type MadeByTokens } from '../access/index.ts'
import { type ApiToken, ApiTokenEntity } from './api-token.entity.ts'
import { SessionEntity } from './session.entity.ts'

type Link = Pick<ApiToken, 'id' | 'parentId'>

/** The ids at the top and all under them, generation by generation. */
export function generations(tokens: readonly Link[], top: readonly string[]): string[][] {
  const children = Map.groupBy(tokens, ({ parentId }) => parentId ?? '')
  const all: string[][] = []
  for (let ids = [...top]; ids.length > 0; ) {
    all.push(ids)
    ids = ids.flatMap((id) => children.get(id) ?? []).map(({ id }) => id)
  }
  return all
}

/** Inside a transaction. Answers how many of them there were. */
export async function revokeTokens(
  em: EntityManager,
  top: { userId: string; id?: string; sessionId?: string },
  registrationTokens: MadeByTokens,
): Promise<number> {
  const tokens = await em.find(ApiTokenEntity, { userId: top.userId })
  const isTop = ({ id, sessionId }: ApiToken) =>
    (top.id === undefined || id === top.id) && (top.sessionId === undefined || sessionId === top.sessionId)
  const tops = tokens.filter(isTop).map(({ id }) => id)
  const byGeneration = generations(tokens, tops)
  // The youngest first: MySQL follows a cascade down fifteen steps only. What is made meanwhile goes by the cascade.
  for (const ids of byGeneration.toReversed()) await em.nativeDelete(ApiTokenEntity, { id: { $in: ids } })
  const gone = [...new Set(byGeneration.flat())]
  for (const made of [invitationsMadeByTokens, registrationTokens]) await made.forget(em, gone)
  return tops.length
}

/** Inside a transaction that makes something which lets others in: its maker is not revoked before it is committed. */
export async function holdCredential(em: EntityManager, person: Extract<Caller, { kind: 'user' }>): Promise<void> {
  const { token, sessionId } = person
  const options = { lockMode: LockMode.PESSIMISTIC_READ }
  const row =
    token === undefined
      ? await em.findOne(SessionEntity, { id: sessionId ?? '' }, options)
      : await em.findOne(ApiTokenEntity, { id: token.id }, options)
  if (!row) throw unauthenticated()
}
