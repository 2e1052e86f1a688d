// What runs ask of people, and who decided what. Written with the run's own change: the entities are the schema.
import { defineEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const ApprovalEntity = defineEntity({
  name: 'Approval',
  tableName: 'approval',
  indexes: [
    { properties: ['organizationId', 'status', 'id'] },
    { properties: ['projectId', 'id'] },
    { properties: ['runId'] },
    { properties: ['requestedBy', 'id'] },
  ],
  properties: {
    /** The engine's, of this asking. */
    id: id().primary(),
    organizationId: id(),
    projectId: id(),
    projectSlug: p.string().length(64),
    pipelineId: id(),
    pipelineName: p.string().length(255),
    runId: id(),
    runNumber: p.integer(),
    stepId: p.string().length(72),
    stepName: p.string().length(255),
    /** The person who started the run, by themselves or by a token; empty: nobody. */
    requestedBy: id(),
    requestedByName: p.string().length(255),
    /** JSON of the engine's ApprovalAsk. */
    ask: p.text().columnType('mediumtext'),
    /** JSON of ansflow.v1.GitFacts, as the run knew them when it asked. */
    git: p.text(),
    /** ansflow.v1.ApprovalStatus. */
    status: p.integer(),
    /** Nobody decided in time. */
    expired: p.boolean(),
    /** JSON of the step's reason. */
    reason: p.text().nullable(),
    /** Counts its changes. */
    version: p.integer(),
    createdAt: p.datetime(3),
    expiresAt: p.datetime(3).nullable(),
    closedAt: p.datetime(3).nullable(),
  },
})

/** One a person. */
export const ApprovalDecisionEntity = defineEntity({
  name: 'ApprovalDecision',
  tableName: 'approval_decision',
  indexes: [{ properties: ['userId', 'approvalId'] }, { properties: ['projectId'] }],
  properties: {
    approvalId: id().primary(),
    userId: id().primary(),
    projectId: id(),
    /** How many have decided before. */
    place: p.integer(),
    userName: p.string().length(255),
    approve: p.boolean(),
    comment: p.text(),
    /** JSON, by the fields' names. */
    answers: p.text().columnType('mediumtext'),
    decidedAt: p.datetime(3),
  },
})
