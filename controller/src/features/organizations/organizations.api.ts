// OrganizationService.
import { notFound } from '@ansflow/proto/errors'
import {
  type Organization as OrganizationMessage,
  OrganizationSchema,
  OrganizationService,
} from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import {
  type CallContext,
  organizationOf,
  personOf,
  type Scope,
  type ServiceTable,
  serviceTable,
} from '../../transport/call.ts'
import { readName } from '../auth/index.ts'
import { organizationsById } from './make-organization.ts'
import {
  inviteMember,
  listMembers,
  type MembersDeps,
  removeMember,
  revokeInvitation,
  setMemberRole,
} from './members.ts'
import { type Organization, OrganizationEntity } from './organization.entity.ts'

export function organizationsApi(deps: MembersDeps): ServiceTable {
  return serviceTable(OrganizationService, {
    async listOrganizations(_request, ctx) {
      const ids = personOf(ctx).grants.map((grant) => grant.organizationId)
      return { organizations: (await organizationsById(ctx.em, ids)).map(toOrganization) }
    },

    async updateOrganization(request, ctx) {
      const organization = await ctx.em.findOne(OrganizationEntity, { id: organizationOf(ctx) })
      if (!organization) throw notFound('organization', organizationOf(ctx))
      organization.name = readName(request.name)
      await ctx.em.flush()
      return { organization: toOrganization(organization) }
    },

    listMembers: (_request, ctx) => listMembers(ctx.em, scopeOf(ctx), deps.clock.now()),
    inviteMember: (request, ctx) => inviteMember(deps, ctx, scopeOf(ctx), request),

    async revokeInvitation(request, ctx) {
      await revokeInvitation(deps, ctx.em, scopeOf(ctx), request.invitationId)
      return {}
    },

    setMemberRole: async (request, ctx) => ({ member: await setMemberRole(deps, ctx, scopeOf(ctx), request) }),

    async removeMember(request, ctx) {
      await removeMember(deps, ctx, scopeOf(ctx), request.userId)
      return {}
    },
  })
}

function scopeOf(ctx: CallContext): Scope {
  return { organizationId: organizationOf(ctx) }
}

function toOrganization({ id, slug, name, createdAt }: Organization): OrganizationMessage {
  return create(OrganizationSchema, { id, slug, name, createdAt: timestampFromDate(createdAt) })
}
