// A project: pipelines, secrets and members of their own.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { OrganizationEntity } from '../organizations/index.ts'

export const ProjectEntity = defineEntity({
  name: 'Project',
  tableName: 'project',
  uniques: [{ properties: ['organizationId', 'slug'] }],
  properties: {
    id: p.string().length(36).primary(),
    organizationId: () => p.manyToOne(OrganizationEntity).mapToPk().fieldName('organization_id').deleteRule('cascade'),
    slug: p.string().length(64),
    name: p.string().length(128),
    description: p.string().length(1000),
    /** Jobs that agents have at once; 0: any number. */
    jobLimit: p.integer().default(0),
    createdAt: p.datetime(3),
  },
})

export type Project = InferEntity<typeof ProjectEntity>
