import { Role } from '@ansflow/proto/access'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { OrganizationService } from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { Code } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { startController } from '../../../test/start-controller.ts'
import { slugFrom } from '../../platform/slug.ts'

test('slugs are made from names, checked, and unique in the organization', async () => {
  await using c = await startController()
  const projects = c.as(c.owner).client(ProjectService)
  expect((await projects.createProject({ name: 'Ünder  the_Hood!' })).project?.slug).toBe('under-the-hood')
  await expect(projects.createProject({ name: 'under THE hood' })).rejects.toMatchObject({ code: Code.AlreadyExists })
  for (const slug of ['A', 'a', 'a--b', '-ab', 'ab-', 'a b', 'x'.repeat(65), '../etc', 'ünder']) {
    await expect(projects.createProject({ name: 'n', slug })).rejects.toMatchObject({ code: Code.InvalidArgument })
  }
  await expect(projects.createProject({ name: '  ' })).rejects.toMatchObject({ code: Code.InvalidArgument })
  expect(slugFrom('项目')).toMatch(/^p-[0-9a-f]{6}$/)
})

test('a project is found by its slug where the caller has one such project', async () => {
  await using c = await startController()
  const elsewhere = await c.addOrganization()
  const stranger = await c.addUser({ role: Role.OWNER, organizationId: elsewhere })
  const own = (await c.as(c.owner).client(ProjectService).createProject({ name: 'same' })).project
  const theirs = (await c.as(stranger).client(ProjectService).createProject({ name: 'same' })).project
  expect((await c.as(c.owner).client(ProjectService).getProject({ projectId: 'same' })).project?.id).toBe(own?.id)
  expect((await c.as(stranger).client(ProjectService).getProject({ projectId: 'same' })).project?.id).toBe(theirs?.id)
  const unknown = c
    .as(c.owner)
    .client(ProjectService)
    .getProject({ projectId: theirs?.id ?? '' })
  await expect(unknown).rejects.toMatchObject({ code: Code.NotFound })
})

test('the list has what the caller may read, by name, in pages without gap or repeat', async () => {
  await using c = await startController()
  const names = Array.from({ length: 25 }, (_, n) => `project ${String(n % 5)}`)
  for (const name of names) await c.addProject(name)
  const projects = c.as(c.owner).client(ProjectService)
  const seen: string[] = []
  let pageToken = ''
  do {
    const page = await projects.listProjects({ pageSize: 7, pageToken })
    seen.push(...page.projects.map((project) => `${project.name} ${project.id}`))
    pageToken = page.nextPageToken
  } while (pageToken)
  expect(seen).toEqual([...new Set(seen)].sort())
  expect(seen.length).toBe(25)
  await expect(projects.listProjects({ pageSize: 201 })).rejects.toMatchObject({ code: Code.InvalidArgument })
  await expect(projects.listProjects({ pageToken: "' or 1=1" })).rejects.toMatchObject({ code: Code.InvalidArgument })

  const [first] = (await projects.listProjects({ pageSize: 1 })).projects
  const member = await c.addUser({ role: Role.DEVELOPER, projectId: first?.id ?? '' })
  const mine = await c.as(member).client(ProjectService).listProjects({})
  expect(mine.projects.map((project) => [project.id, project.role])).toEqual([[first?.id, Role.DEVELOPER]])
  expect((await c.as(member).client(OrganizationService).listOrganizations({})).organizations.length).toBe(1)
})

test('a deleted project takes its grants, invitations and secrets along', async () => {
  await using c = await startController()
  const projectId = await c.addProject()
  await c.addUser({ role: Role.DEVELOPER, projectId })
  const projects = c.as(c.owner).client(ProjectService)
  const secrets = c.as(c.owner).client(SecretService)
  const members = c.as(c.owner).client(MemberService)
  await secrets.putSecret({ projectId, name: 'TOKEN', value: 'v' })
  await members.inviteProjectMember({ projectId, email: 'x@example.org', role: Role.VIEWER })
  await projects.deleteProject({ projectId })
  for (const table of ['project', 'secret', 'invitation']) {
    expect(await c.db.em().execute(`select * from ${table}`)).toEqual([])
  }
  expect(await c.db.em().execute("select * from access_grant where scope_kind <> 'organization'")).toEqual([])
  await expect(projects.getProject({ projectId })).rejects.toMatchObject({ code: Code.NotFound })
})
