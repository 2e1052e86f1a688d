// OrganizationService.
import { notFound } from '@ansflow/proto/errors'
import {
  type Organization as OrganizationMessage,
  OrganizationSchema,
  OrganizationService,
} from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { readName } from '../../platform/request-name.ts'
import { organizationOf, personOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { organizationsById } from './make-organization.ts'
import { type Organization, OrganizationEntity } from './organization.entity.ts'

export function organizationsApi(): ServiceTable {
  return serviceTable(OrganizationService, {
    async listOrganizations(_request, ctx) {
      const ids = personOf(ctx).grants.map((grant) => grant.organizationId)
      return { organizations: (await organizationsById(ctx.em, ids)).map(toOrganization) }
    },

    async updateOrganization(request, ctx) {
      const name = readName(request.name)
      const organization = await ctx.change(async (em) => {
        const found = await em.findOne(OrganizationEntity, { id: organizationOf(ctx) })
        if (!found) throw notFound('organization', organizationOf(ctx))
        const before = { name: found.name }
        found.name = name
        await em.flush()
        return { result: found, resource: { kind: 'organization', id: found.id, name }, before, after: { name } }
      })
      return { organization: toOrganization(organization) }
    },
  })
}

function toOrganization({ id, slug, name, createdAt }: Organization): OrganizationMessage {
  return create(OrganizationSchema, { id, slug, name, createdAt: timestampFromDate(createdAt) })
}
