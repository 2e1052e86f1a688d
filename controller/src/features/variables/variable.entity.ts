// A plain variable of an organization, of one of its projects, or of an environment there.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const VariableEntity = defineEntity({
  name: 'Variable',
  tableName: 'variable',
  uniques: [{ properties: ['organizationId', 'projectId', 'environmentId', 'name'] }],
  indexes: [{ properties: ['environmentId'] }],
  properties: {
    id: p.string().length(36).primary(),
    organizationId: p.string().length(36),
    /** Empty: the organization's own. */
    projectId: p.string().length(36),
    /** Empty: the project's own. */
    environmentId: p.string().length(36).default(''),
    name: p.string().length(128),
    value: p.text(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    updatedBy: p.string().length(36),
  },
})

export type Variable = InferEntity<typeof VariableEntity>
