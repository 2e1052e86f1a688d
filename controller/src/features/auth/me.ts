// What a person is told of themselves: who they are, where they belong, and what they may do there.
import { type Grant, grantsOn, mostOf, wireRole, wireScope } from '@ansflow/proto/access'
import { type GetMeResponse, GetMeResponseSchema, type GrantSchema } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { EntityManager } from '../../platform/db.ts'
import type { Caller } from '../../transport/call.ts'
import { toUser } from './people.ts'
import { UserEntity } from './user.entity.ts'

export type OrganizationsById = (
  em: EntityManager,
  ids: string[],
) => Promise<{ id: string; name: string; slug: string }[]>

export async function presentMe(
  em: EntityManager,
  { userId, grants }: Extract<Caller, { kind: 'user' }>,
  organizationsById: OrganizationsById,
): Promise<GetMeResponse> {
  const user = await em.findOneOrFail(UserEntity, { id: userId })
  const organizations = await organizationsById(em, [...new Set(grants.map((grant) => grant.organizationId))])
  return create(GetMeResponseSchema, {
    user: toUser(user),
    organizations: organizations.map(({ id, name, slug }) => {
      const { roleId = '' } = mostOf(grantsOn(grants, { organizationId: id })) ?? {}
      return { organizationId: id, name, slug, role: wireRole(roleId), roleId }
    }),
    grants: grants.map((grant) => toGrant(grant, userId)),
  })
}

function toGrant(grant: Grant, userId: string): MessageInitShape<typeof GrantSchema> {
  const { organizationId, on, roleId, permissions, expiresAt } = grant
  return {
    userId,
    organizationId,
    projectId: on.kind === 'project' ? on.id : '',
    role: wireRole(roleId),
    roleId,
    permissions: [...permissions],
    ...(expiresAt && { expiresAt: timestampFromDate(expiresAt) }),
    scope: wireScope(on.kind),
    scopeId: on.id,
  }
}
