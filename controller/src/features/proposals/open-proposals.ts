// Repositories with open proposals are looked at by themselves now and then: what became of one is told by the bus and by forges, and
// either may be lost. Any controller asks for the look, and one takes it.
import type { Db } from '../../platform/db.ts'
import type { Repositories } from '../repositories/index.ts'
import { ProposalEntity } from './proposal.entity.ts'

const lookMs = 10 * 60_000
const pageSize = 500

/** Each run goes on where the one before ended, however many are open. */
export function lookAtOpenProposals({ db, repositories }: { db: Db; repositories: Repositories }): () => Promise<void> {
  let after = ''
  return async () => {
    const page = { orderBy: { openOf: 'asc' as const }, limit: pageSize, fields: ['openOf', 'repositoryId'] as const }
    const rows = await db.em().find(ProposalEntity, { openOf: { $gt: after } }, page)
    after = rows.length === pageSize ? (rows.at(-1)?.openOf ?? '') : ''
    const ids = new Set(rows.map(({ repositoryId }) => repositoryId))
    if (ids.size > 0) await repositories.lookLater([...ids], lookMs)
  }
}
