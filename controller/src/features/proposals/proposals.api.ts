// ProposalService: what a draft would change in a repository, and putting it there.
import { notFound } from '@ansflow/proto/errors'
import {
  ExplainProposalResponseSchema,
  ProposalChoice,
  ProposalService,
} from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import type { EntityManager } from '../../platform/db.ts'
import { reading } from '../../platform/message-pieces.ts'
import { inTurns } from '../../platform/turns.ts'
import { projectOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import type { PipelineRow } from '../pipelines/index.ts'
import { ProposalEntity } from './proposal.entity.ts'
import { toProposal } from './proposal-answer.ts'
import { placeOf } from './proposal-place.ts'
import { propose } from './propose.ts'
import type { ProposeDeps } from './propose-deps.ts'

/** A first look may have to bring all of the repository. */
const lookMs = 120_000
const mostShown = 10
const mostOpen = 500

export function proposalsApi(deps: ProposeDeps): ServiceTable {
  const { proposing, clock } = deps

  async function load(em: EntityManager, id: string): Promise<PipelineRow> {
    const row = await proposing.find(em, id)
    if (!row) throw notFound('pipeline', id)
    return row
  }

  return serviceTable(ProposalService, {
    async explainProposal({ pipelineId, choice, ...asked }, ctx) {
      const pipeline = await load(ctx.em, pipelineId)
      const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(lookMs)])
      const place = await placeOf(deps, ctx, pipeline, asked, signal)
      const prefers = choice === ProposalChoice.REPOSITORY ? 'theirs' : 'mine'
      const prepared = await proposing.prepare(
        ctx,
        pipeline,
        { theirs: place.theirs, prefers, files: place.files },
        clock.now(),
      )
      const content = await inTurns(reading(ExplainProposalResponseSchema, prepared.response))
      const open = await ctx.em.findOne(ProposalEntity, { openOf: pipelineId })
      const { repository, path, defaultBranch, ways } = place
      return {
        ...content,
        ...{ repositoryId: repository.id, path, defaultBranch, ways },
        problems: prepared.problems,
        ...(open?.repositoryId === repository.id && open.path === path && { open: toProposal(open) }),
      }
    },

    proposePipeline: async (request, ctx) => propose(deps, ctx, await load(ctx.em, request.pipelineId), request),

    async listProposals({ pipelineId }, ctx) {
      const rows = await ctx.em.find(ProposalEntity, { pipelineId }, { orderBy: { id: 'desc' }, limit: mostShown })
      return { proposals: rows.map(toProposal) }
    },

    async listOpenProposals(_request, ctx) {
      const open = { projectId: projectOf(ctx), openOf: { $ne: null } }
      const rows = await ctx.em.find(ProposalEntity, open, { orderBy: { id: 'desc' }, limit: mostOpen })
      return { proposals: rows.map(toProposal) }
    },

    async keepPipeline({ pipelineId }, ctx) {
      await ctx.change(async (em) => {
        const row = await load(em, pipelineId)
        await proposing.keep(em, row)
        const resource = { kind: 'pipeline', id: row.id, name: row.name }
        return { result: undefined, resource, before: { file: row.filePath }, after: { kept: 'in AnsFlow' } }
      })
      return {}
    },
  })
}
