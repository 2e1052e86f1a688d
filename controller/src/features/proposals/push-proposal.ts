// The commit of a proposal: on its branch, on top of whatever stands there.
import { ProposalChoice, ProposalWay } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { limits } from '@ansflow/proto/limits'
import { type CallContext, personOf } from '../../transport/call.ts'
import type { DraftProposal } from '../pipelines/index.ts'
import { ProposalEntity, type ProposalRow } from './proposal.entity.ts'
import type { Place } from './proposal-place.ts'
import type { ProposeDeps } from './propose-deps.ts'
import { conflictOf } from './push-errors.ts'

export interface Push {
  row: ProposalRow
  place: Place
  draft: DraftProposal
  way: ProposalWay
  prefers: 'mine' | 'theirs'
  choice: ProposalChoice
  words: { title: string; message: string }
}

/** Answers where it stands. Throws `GitError`. */
export async function pushProposal(
  deps: ProposeDeps,
  ctx: CallContext,
  push: Push,
  signal: AbortSignal,
): Promise<{ branch: string; commit: string }> {
  const { row, place, way } = push
  const { mirror, head, path, theirs } = place
  const branch = way === ProposalWay.COMMIT ? place.defaultBranch : row.branch
  const stands = way === ProposalWay.COMMIT ? head : (await mirror.commit(`refs/heads/${branch}`))?.id
  const there =
    stands === undefined ? undefined : stands === head ? theirs : await mirror.file(stands, path, limits.fileBytes)
  const text = await textOn(deps, ctx, push, { stands, there })
  if (stands !== undefined && there === text) return { branch, commit: stands }
  const { name, email } = personOf(ctx)
  const commit = await mirror.pushFile(
    {
      ...{ branch, path, text, expected: stands, parent: stands ?? head },
      message: [push.words.title, push.words.message].filter(Boolean).join('\n\n'),
      author: { name, mail: email },
      committer: { name: 'AnsFlow', mail: `ansflow@${hostOf(deps.publicUrl())}` },
      // Made again by whoever goes on with it, the first is the same commit.
      at: stands === undefined ? row.createdAt : deps.clock.now(),
    },
    signal,
  )
  await deps.db.em().nativeUpdate(ProposalEntity, { id: row.id }, { commit })
  return { branch, commit }

  function hostOf(url: string): string {
    return URL.parse(url)?.hostname || 'localhost'
  }
}

/** What others have put on the branch meanwhile stays. */
async function textOn(
  { proposing }: ProposeDeps,
  ctx: CallContext,
  { row, place, draft, way, prefers, choice }: Push,
  { stands, there }: { stands: string | undefined; there: string | undefined },
): Promise<string> {
  const isOurs = row.commit === '' || stands === row.commit || there === undefined || there === draft.yaml
  if (way === ProposalWay.COMMIT || isOurs) return draft.yaml
  const { mirror, path } = place
  const base = (await mirror.commit(row.commit)) ? await mirror.file(row.commit, path, limits.fileBytes) : undefined
  if (base === undefined || base === there) return draft.yaml
  const sides = { base, mine: draft.yaml, theirs: there, prefers }
  const { yaml, conflicts, isRight } = await proposing.mergeText(sides, personOf(ctx).userId)
  if (!isRight) throw conflictOf(['file'])
  if (conflicts.length > 0 && choice === ProposalChoice.UNSPECIFIED) throw conflictOf(conflicts)
  return yaml
}
