// What steps have deployed. Written with the runs' own changes (deployment-participant.ts).
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const DeploymentEntity = defineEntity({
  name: 'Deployment',
  tableName: 'deployment',
  uniques: [{ properties: ['runId', 'stepId'] }],
  indexes: [
    { properties: ['projectId', 'id'] },
    { properties: ['projectId', 'commit', 'id'] },
    { properties: ['environmentId', 'id'] },
    { properties: ['environmentId', 'status', 'id'] },
  ],
  properties: {
    id: id().primary(),
    projectId: id(),
    environmentId: id(),
    /** As it was then. */
    environmentName: p.string().length(64),
    runId: id(),
    stepId: p.string().length(80),
    stepName: p.string().length(255),
    runNumber: p.integer(),
    pipelineId: id(),
    pipelineName: p.string().length(255),
    version: p.integer(),
    /** A StepStatus: RUNNING until the step has ended. */
    status: p.integer(),
    commit: p.string().length(64),
    ref: p.string().length(256),
    commitTitle: p.string().length(200),
    startedBy: p.string().length(255),
    url: p.string().length(2048),
    startedAt: p.datetime(3),
    finishedAt: p.datetime(3).nullable(),
  },
})

export type DeploymentRow = InferEntity<typeof DeploymentEntity>

/** What is there now: the last that has succeeded, in the order in which they were committed. */
export const DeployedEntity = defineEntity({
  name: 'Deployed',
  tableName: 'deployed',
  indexes: [{ properties: ['projectId'] }],
  properties: {
    environmentId: id().primary(),
    projectId: id(),
    deploymentId: id(),
  },
})
