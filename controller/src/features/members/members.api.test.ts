import { Role } from '@ansflow/proto/access'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { OrganizationService } from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt'
import { Code } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { startController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'

test('nobody gives, changes or takes more than they have', async () => {
  await using c = await startController()
  const maintainer = await c.addUser({ role: Role.MAINTAINER })
  const viewer = await c.addUser({ role: Role.VIEWER })
  const as = c.as(maintainer).client(MemberService)
  const denied = { code: Code.PermissionDenied }
  await expect(as.inviteMember({ email: 'x@example.org', role: Role.OWNER })).rejects.toMatchObject(denied)
  await expect(as.setMemberRole({ userId: viewer.userId, role: Role.OWNER })).rejects.toMatchObject(denied)
  await expect(as.setMemberRole({ userId: c.owner.userId, role: Role.VIEWER })).rejects.toMatchObject(denied)
  await expect(as.removeMember({ userId: c.owner.userId })).rejects.toMatchObject(denied)
  expect((await as.setMemberRole({ userId: viewer.userId, role: Role.MAINTAINER })).member?.role).toBe(Role.MAINTAINER)
  await expect(as.setMemberRole({ userId: viewer.userId, role: Role.UNSPECIFIED })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  })
})

test('nobody gives for longer than they have, neither to others nor to themselves', async () => {
  await using c = await startController()
  const guest = await c.addUser({ role: Role.VIEWER })
  const viewer = await c.addUser({ role: Role.VIEWER })
  const end = timestampFromMs(c.clock.now().getTime() + 3_600_000)
  const byOwner = c.as(c.owner).client(MemberService)
  await byOwner.setMemberRole({ userId: guest.userId, role: Role.OWNER, expiresAt: end })
  const as = c.as(guest).client(MemberService)
  const denied = { code: Code.PermissionDenied }
  await expect(as.setMemberRole({ userId: guest.userId, role: Role.OWNER })).rejects.toMatchObject(denied)
  await expect(as.inviteMember({ email: guest.email, role: Role.OWNER })).rejects.toMatchObject(denied)
  await expect(as.inviteMember({ email: 'x@example.org', role: Role.VIEWER })).rejects.toMatchObject(denied)
  const later = timestampFromMs(timestampMs(end) + 1)
  const longer = as.setMemberRole({ userId: viewer.userId, role: Role.DEVELOPER, expiresAt: later })
  await expect(longer).rejects.toMatchObject(denied)
  const { member } = await as.setMemberRole({ userId: viewer.userId, role: Role.DEVELOPER, expiresAt: end })
  expect(member?.role).toBe(Role.DEVELOPER)
})

test('an invitation is neither withdrawn nor replaced by who could not have made it', async () => {
  await using c = await startController()
  const maintainer = await c.addUser({ role: Role.MAINTAINER })
  const email = 'x@example.org'
  const { invitation } = await c.as(c.owner).client(MemberService).inviteMember({ email, role: Role.OWNER })
  const as = c.as(maintainer).client(MemberService)
  const denied = { code: Code.PermissionDenied }
  await expect(as.revokeInvitation({ invitationId: invitation!.id })).rejects.toMatchObject(denied)
  await expect(as.inviteMember({ email, role: Role.VIEWER })).rejects.toMatchObject(denied)
  const { invitations } = await as.listMembers({})
  expect(invitations.map(({ id, role }) => [id, role])).toEqual([[invitation!.id, Role.OWNER]])
})

test('a new role counts from the next call on, on every door', async () => {
  await using c = await startController()
  const member = await c.addUser({ role: Role.MAINTAINER })
  const projects = c.as(member).client(ProjectService)
  await projects.createProject({ name: 'allowed' })
  const heard: string[] = []
  c.bus.subscribe('access.changed', ({ userId }) => heard.push(userId))
  await c.as(c.owner).client(MemberService).setMemberRole({ userId: member.userId, role: Role.VIEWER })
  await waitFor(() => heard.includes(member.userId))
  await expect(projects.createProject({ name: 'refused' })).rejects.toMatchObject({ code: Code.PermissionDenied })
  await c.as(c.owner).client(MemberService).removeMember({ userId: member.userId })
  await waitFor(() => heard.length === 2)
  expect((await projects.listProjects({})).projects).toEqual([])
})

test('an organization keeps an owner, also when all leave at once', async () => {
  await using c = await startController()
  const owners = [c.owner, await c.addUser({ role: Role.OWNER }), await c.addUser({ role: Role.OWNER })]
  const left = await Promise.allSettled(
    owners.map((owner) => c.as(owner).client(MemberService).removeMember({ userId: owner.userId })),
  )
  expect(left.filter((each) => each.status === 'rejected').length).toBe(1)
  const last = owners[left.findIndex((each) => each.status === 'rejected')]
  const as = c.as(last).client(MemberService)
  await expect(as.setMemberRole({ userId: last?.userId ?? '', role: Role.VIEWER })).rejects.toMatchObject({
    code: Code.FailedPrecondition,
  })
  expect((await as.listMembers({})).members.map((member) => [member.userId, member.role])).toEqual([
    [last?.userId, Role.OWNER],
  ])
})

test('an address with an account is granted at once; an invitation can be revoked', async () => {
  await using c = await startController()
  const elsewhere = await c.addOrganization()
  const guest = await c.addUser({ role: Role.OWNER, organizationId: elsewhere })
  const as = c.as(c.owner).client(MemberService)
  expect(
    (await as.inviteMember({ organizationId: c.owner.organizationId, email: guest.email, role: Role.VIEWER })).link,
  ).toBe('')
  await waitFor(
    async () => (await c.as(guest).client(OrganizationService).listOrganizations({})).organizations.length === 2,
  )
  await expect(c.as(guest).client(MemberService).listMembers({})).rejects.toMatchObject({
    code: Code.InvalidArgument,
  })

  const { link, invitation } = await as.inviteMember({ email: 'New@example.org', role: Role.VIEWER })
  expect((await as.listMembers({})).invitations).toMatchObject([{ email: 'new@example.org' }])
  await as.revokeInvitation({ invitationId: invitation?.id ?? '' })
  const token = link.split('#')[1] ?? ''
  await expect(c.as(undefined).client(AuthService).getInvitation({ token })).rejects.toMatchObject({
    code: Code.NotFound,
  })
})

test('who loses a role cannot come back by an invitation they made with it', async () => {
  await using c = await startController()
  const maintainer = await c.addUser({ role: Role.MAINTAINER })
  const as = c.as(maintainer).client(MemberService)
  const invite = async (email: string, role: Role) => (await as.inviteMember({ email, role })).link.split('#')[1] ?? ''
  const back = await invite('back@example.org', Role.MAINTAINER)
  const viewer = await invite('viewer@example.org', Role.VIEWER)
  const owner = c.as(c.owner).client(MemberService)
  const auth = c.as(undefined).client(AuthService)
  await owner.setMemberRole({ userId: maintainer.userId, role: Role.DEVELOPER })
  await expect(auth.getInvitation({ token: back })).rejects.toMatchObject({ code: Code.NotFound })
  expect((await auth.getInvitation({ token: viewer })).email).toBe('viewer@example.org')
  await owner.removeMember({ userId: maintainer.userId })
  await expect(auth.getInvitation({ token: viewer })).rejects.toMatchObject({ code: Code.NotFound })
})

test('whoever owns a project is removed from the organization by its owners only', async () => {
  await using c = await startController()
  const projectId = await c.addProject()
  const holder = await c.addUser({ role: Role.OWNER, projectId })
  const maintainer = await c.addUser({ role: Role.MAINTAINER })
  const remove = (as: typeof c.owner) => c.as(as).client(MemberService).removeMember({ userId: holder.userId })
  await expect(remove(maintainer)).rejects.toMatchObject({ code: Code.PermissionDenied })
  await remove(c.owner)
  expect((await c.as(holder).client(ProjectService).listProjects({})).projects).toEqual([])
})

test('members of the organization show as inherited in its projects', async () => {
  await using c = await startController()
  const projectId = await c.addProject()
  const both = await c.addUser({ role: Role.VIEWER })
  const asOwner = c.as(c.owner).client(MemberService)
  await asOwner.setProjectMemberRole({ projectId, userId: both.userId, role: Role.DEVELOPER })
  const { members } = await asOwner.listProjectMembers({ projectId })
  const seen = Object.fromEntries(members.map((member) => [member.userId, [member.role, member.inherited]]))
  expect(seen).toEqual({ [c.owner.userId]: [Role.OWNER, true], [both.userId]: [Role.DEVELOPER, false] })
  await asOwner.removeProjectMember({ projectId, userId: both.userId })
  expect(
    (await asOwner.listProjectMembers({ projectId })).members.find((member) => member.userId === both.userId)?.role,
  ).toBe(Role.VIEWER)
})
