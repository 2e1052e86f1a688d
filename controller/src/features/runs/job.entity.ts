// Jobs, whose table is the queue, and which agent holds which workspace of a run.
import { defineEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const JobEntity = defineEntity({
  name: 'Job',
  tableName: 'job',
  uniques: [{ properties: ['runId', 'stepId', 'attempt'] }],
  indexes: [
    // All that the order of waiting jobs goes by: the rows of ten thousand need not be read to find the first.
    { properties: ['status', 'organizationId', 'priority', 'createdAt', 'id'] },
    // Which projects have some waiting, and the first of each.
    { properties: ['status', 'organizationId', 'projectId', 'priority', 'createdAt', 'id'] },
    { properties: ['agentId', 'status'] },
  ],
  properties: {
    id: id().primary(),
    runId: id(),
    organizationId: id(),
    projectId: id(),
    /** The step's key in the file. */
    stepId: p.string().length(72),
    attempt: p.integer(),
    /** Fencing token, incremented by every claim. */
    epoch: p.integer(),
    status: p.integer(),
    /** Higher goes first. */
    priority: p.integer(),
    agentId: id().nullable(),
    agentName: p.string().length(255),
    /** JSON. */
    labels: p.text(),
    /** Of an untrusted run. */
    untrusted: p.boolean().default(false),
    capability: p.string().length(32),
    workspace: p.string().length(64),
    /** JSON: names, never values. */
    secrets: p.text(),
    /** ansflow.agent.v1.JobSpec, without secrets. */
    spec: p.blob().columnType('longblob'),
    cancelRequested: p.boolean(),
    exitCode: p.integer().nullable(),
    reason: p.text().nullable(),
    /** JSON of the engine's ReportCounts, once it has ended and told people something. */
    report: p.string().length(255).nullable(),
    /** JSON of the engine's JobImage, once it has ended in a container. */
    image: p.string().length(1000).nullable(),
    createdAt: p.datetime(3),
    availableAt: p.datetime(3),
    offeredAt: p.datetime(3).nullable(),
    startedAt: p.datetime(3).nullable(),
    finishedAt: p.datetime(3).nullable(),
    /** Written by the logs feature only. */
    logSize: p.bigint('number'),
    logComplete: p.boolean(),
  },
})

/** The agent that first got a job of this workspace of the run. */
export const WorkspacePinEntity = defineEntity({
  name: 'WorkspacePin',
  tableName: 'workspace_pin',
  // One run at a time uses what an earlier one has left.
  uniques: [{ properties: ['folderRunId', 'workspace'] }],
  properties: {
    runId: id().primary(),
    workspace: p.string().length(64).primary(),
    agentId: id(),
    /** The earlier run whose workspace is used further. */
    folderRunId: id().nullable(),
  },
})
