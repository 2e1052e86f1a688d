// What API tokens make beside other tokens and what lets somebody in: it goes when its maker is revoked.
import type { EntityManager } from '../../platform/db.ts'
import { InvitationEntity } from './invitation.entity.ts'

export interface MadeByTokens {
  /** How many that still let somebody in each of these tokens made. */
  count(em: EntityManager, tokenIds: string[], now: Date): Promise<Map<string, number>>
  /** Inside the transaction that has deleted the tokens. */
  forget(em: EntityManager, tokenIds: string[]): Promise<void>
}

export const invitationsMadeByTokens: MadeByTokens = {
  async count(em, tokenIds, now) {
    const open = await em.find(InvitationEntity, { apiTokenId: { $in: tokenIds }, expiresAt: { $gt: now } })
    return countByToken(open)
  },
  async forget(em, tokenIds) {
    await em.nativeDelete(InvitationEntity, { apiTokenId: { $in: tokenIds } })
  },
}

export function countByToken(rows: { apiTokenId?: string | null | undefined }[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { apiTokenId } of rows) if (apiTokenId) counts.set(apiTokenId, (counts.get(apiTokenId) ?? 0) + 1)
  return counts
}
