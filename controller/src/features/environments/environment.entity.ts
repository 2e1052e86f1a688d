// What steps deploy to, and which pipelines name it.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const EnvironmentEntity = defineEntity({
  name: 'Environment',
  tableName: 'environment',
  uniques: [{ properties: ['projectId', 'name'] }],
  properties: {
    id: id().primary(),
    organizationId: id(),
    projectId: id(),
    name: p.string().length(64),
    /** Among those of the project, from 0: what comes first is deployed to first. */
    place: p.integer(),
    /** Empty: it is not said. */
    url: p.string().length(2048),
    /** JSON: globs of whose runs may deploy. */
    branches: p.text(),
    tags: p.text(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    updatedBy: id(),
  },
})

export type EnvironmentRow = InferEntity<typeof EnvironmentEntity>

/** That a step of the latest version of a pipeline names an environment, which may not be there. */
export const EnvironmentUseEntity = defineEntity({
  name: 'EnvironmentUse',
  tableName: 'environment_use',
  indexes: [{ properties: ['projectId', 'environment'] }, { properties: ['pipelineId'] }],
  properties: {
    id: id().primary(),
    projectId: id(),
    pipelineId: id(),
    /** Its name. */
    environment: p.string().length(64),
    stepId: p.string().length(64),
  },
})
