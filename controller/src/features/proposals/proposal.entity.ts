// A draft on its way into a repository.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const ProposalEntity = defineEntity({
  name: 'Proposal',
  tableName: 'proposal',
  uniques: [{ properties: ['openOf'] }],
  indexes: [
    { properties: ['pipelineId', 'id'] },
    { properties: ['repositoryId', 'openOf'] },
    { properties: ['projectId', 'openOf'] },
  ],
  properties: {
    id: id().primary(),
    projectId: id(),
    pipelineId: id(),
    /** The pipeline, for as long as it is open: a pipeline has one at a time. */
    openOf: id().nullable(),
    repositoryId: id(),
    path: p.string().length(255),
    /** ansflow.v1.ProposalWay. */
    way: p.integer(),
    /** ansflow.v1.ProposalState. */
    state: p.integer(),
    title: p.string().length(255),
    branch: p.string().length(255),
    /** That was pushed last; empty: none yet. */
    commit: p.string().length(64),
    /** Of the request; 0: there is none. */
    number: p.integer(),
    url: p.string().length(2048),
    problem: p.string().length(512),
    proposedByName: p.string().length(255),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
})

export type ProposalRow = InferEntity<typeof ProposalEntity>
