// A proposal as it is answered.
import { type Proposal, ProposalSchema } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { ProposalRow } from './proposal.entity.ts'

export function toProposal(row: ProposalRow): Proposal {
  const { id, pipelineId, repositoryId, path, way, state, title, branch, commit, number, url, problem } = row
  return create(ProposalSchema, {
    ...{ id, pipelineId, repositoryId, path, way, state, title, branch, commit, number, url, problem },
    proposedByName: row.proposedByName,
    proposedAt: timestampFromDate(row.updatedAt),
  })
}
