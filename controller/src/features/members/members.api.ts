// MemberService: who belongs to an organization or a project, and who is invited.
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { type CallContext, organizationOf, type Scope, type ServiceTable, serviceTable } from '../../transport/call.ts'
import {
  inviteMember,
  listMembers,
  type MembersDeps,
  removeMember,
  revokeInvitation,
  setMemberRole,
} from './members.ts'

export type { MembersDeps } from './members.ts'

/** An organization and one of its projects differ in their scope alone. */
export function membersApi(deps: MembersDeps): ServiceTable {
  const list = (_request: unknown, ctx: CallContext) => listMembers(ctx.em, scopeOf(ctx), deps.clock.now())
  const invite = (request: Parameters<typeof inviteMember>[3], ctx: CallContext) =>
    inviteMember(deps, ctx, scopeOf(ctx), request)
  const setRole = async (request: Parameters<typeof setMemberRole>[3], ctx: CallContext) => ({
    member: await setMemberRole(deps, ctx, scopeOf(ctx), request),
  })
  const remove = async ({ userId }: { userId: string }, ctx: CallContext) => {
    await removeMember(deps, ctx, scopeOf(ctx), userId)
    return {}
  }
  return serviceTable(MemberService, {
    listMembers: list,
    inviteMember: invite,
    setMemberRole: setRole,
    removeMember: remove,
    listProjectMembers: list,
    inviteProjectMember: invite,
    setProjectMemberRole: setRole,
    removeProjectMember: remove,

    async revokeInvitation(request, ctx) {
      await revokeInvitation(deps, ctx, scopeOf(ctx), request.invitationId)
      return {}
    },
  })
}

function scopeOf(ctx: CallContext): Scope {
  const projectId = ctx.scope?.projectId
  return { organizationId: organizationOf(ctx), ...(projectId !== undefined && { projectId }) }
}
