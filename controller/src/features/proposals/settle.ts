// What became of proposals: seen in the copy of the repository, and in what the forge has told of their requests.
import { ProposalState } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { PullRequestState } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { limits } from '@ansflow/proto/limits'
import type { Bus } from '../../platform/bus.ts'
import type { Db } from '../../platform/db.ts'
import type { GitMirror } from '../../platform/git/git.ts'
import type { PullRequests, Repositories } from '../repositories/index.ts'
import { ProposalEntity, type ProposalRow } from './proposal.entity.ts'

interface Deps {
  db: Db
  bus: Bus
  repositories: Repositories
  pullRequests: PullRequests
}

const pageSize = 100

/** All of them. Throws, once it is through, what kept one of them from being looked at. */
export async function settleProposals(deps: Deps, repositoryId: string): Promise<void> {
  const { db, repositories } = deps
  let failed: { error: unknown } | undefined
  for (let last = ''; ; ) {
    const open = { repositoryId, openOf: { $ne: null }, state: ProposalState.OPEN, id: { $gt: last } }
    const rows = await db.em().find(ProposalEntity, open, { orderBy: { id: 'asc' }, limit: pageSize })
    const repository = rows.length > 0 ? await repositories.find(db.em(), repositoryId) : undefined
    if (!repository) break
    const at = { mirror: repositories.mirrorOf(repository), defaultBranch: repository.defaultBranch }
    for (const row of rows) {
      // A file that cannot be read keeps no other proposal open.
      await settle(deps, row, at).catch((error: unknown) => {
        failed ??= { error }
      })
    }
    if (rows.length < pageSize) break
    last = rows.at(-1)!.id
  }
  if (failed) throw failed.error
}

/** True: it is open no longer. */
export async function settle(
  deps: Deps,
  row: ProposalRow,
  at: { mirror: GitMirror; defaultBranch: string },
): Promise<boolean> {
  const state = await stateOf(deps, row, at)
  if (state !== ProposalState.MERGED && state !== ProposalState.CLOSED) return false
  const { id, updatedAt, projectId, pipelineId } = row
  await deps.db.em().nativeUpdate(ProposalEntity, { id, updatedAt }, { state, openOf: null })
  deps.bus.publish('proposals.changed', { projectId, pipelineId })
  return true
}

async function stateOf(
  { pullRequests }: Deps,
  { repositoryId, number, commit, path, branch, state }: ProposalRow,
  { mirror, defaultBranch }: { mirror: GitMirror; defaultBranch: string },
): Promise<ProposalState> {
  // A copy that does not know of the commit is older than the proposal.
  if (state !== ProposalState.OPEN || commit === '' || !(await mirror.commit(commit))) return ProposalState.OPEN
  const told = number > 0 ? await pullRequests.stateOf(repositoryId, number) : undefined
  if (told === PullRequestState.MERGED) return ProposalState.MERGED
  const head = await mirror.commit(`refs/heads/${defaultBranch}`)
  if (head) {
    if ((await mirror.mergeBase(commit, head.id)) === commit) return ProposalState.MERGED
    // Squashed, or picked.
    const [theirs, ours] = [
      await mirror.file(head.id, path, limits.fileBytes),
      await mirror.file(commit, path, limits.fileBytes),
    ]
    if (theirs === ours) return ProposalState.MERGED
  }
  if (told === PullRequestState.CLOSED) return ProposalState.CLOSED
  return (await mirror.commit(`refs/heads/${branch}`)) ? ProposalState.OPEN : ProposalState.CLOSED
}
