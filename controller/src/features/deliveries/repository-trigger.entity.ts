// Pipelines that are kept in AnsFlow and that something in a repository starts: what their latest versions say of that.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const RepositoryTriggerEntity = defineEntity({
  name: 'RepositoryTrigger',
  tableName: 'repository_trigger',
  indexes: [{ properties: ['projectId'] }],
  properties: {
    pipelineId: p.string().length(36).primary(),
    projectId: p.string().length(36),
    /** Of a Triggers message. */
    triggers: p.blob().columnType('mediumblob'),
  },
})

export type RepositoryTriggerRow = InferEntity<typeof RepositoryTriggerEntity>
