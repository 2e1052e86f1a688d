// Rights that change while somebody is there: by another role, by the end of one, and by a role that nobody had thought of.
import { builtInRoles, Role, type RoleDefinition } from '@ansflow/proto/access'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { Code } from '@connectrpc/connect'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Editor, isSaved, openEditor } from '../src/features/collab/test-client.ts'
import { type ManualClock, manualClock } from '../src/platform/clock.ts'
import type { StatementTap } from '../src/platform/statement-tap.ts'
import { LiveClient } from './live-client.ts'
import { startController, type TestController, type TestUser } from './start-controller.ts'
import { waitFor } from './wait-for.ts'

let c: TestController
let clock: ManualClock
let projectId: string
let pipelineId: string
const open: { close(): void }[] = []
const statements: string[] = []
const tap: StatementTap = (sql, run) => {
  statements.push(sql)
  return run()
}

beforeEach(async () => {
  clock = manualClock()
  c = await startController({ overrides: { clock, statementTap: tap } })
  projectId = await c.addProject()
  const yaml = 'name: p\nsteps:\n  one: { run: "true" }\n'
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  pipelineId = pipeline?.id ?? ''
})
afterEach(async () => {
  for (const each of open.splice(0)) each.close()
  await c[Symbol.asyncDispose]()
})

interface Pages {
  live: LiveClient
  editor: Editor
  /** What they may do on the project, as told last. */
  permissions(): string[]
}

/** The console of somebody who looks at the pipeline. */
async function openPages(person: TestUser): Promise<Pages> {
  const live = await LiveClient.open(c.url, person.token)
  const editor = openEditor(c.url, pipelineId, person.token)
  open.push(live, { close: () => editor[Symbol.dispose]() })
  expect((await live.subscribe('me')).kind.case).toBe('subscribed')
  await live.until(() => live.events('me').length > 0)
  await waitFor(() => editor.provider.synced && editor.access.length > 0)
  return {
    live,
    editor,
    permissions() {
      const { kind } = live.events('me').at(-1)!
      return kind.case === 'me' ? [...new Set(kind.value.grants.flatMap((grant) => grant.permissions))] : []
    },
  }
}

const members = () => c.as(c.owner).client(MemberService)
const start = (person: TestUser) => c.as(person).client(RunService).startRun({ pipelineId })
const denied = { code: Code.PermissionDenied }

test('another role counts at once on what is open, up and down, and nothing that was not changed is refused', async () => {
  const person = await c.addUser({ role: Role.VIEWER })
  const { live, editor, permissions } = await openPages(person)
  expect(permissions()).not.toContain('pipeline.edit')
  expect(editor.access).toEqual([false])

  await members().setMemberRole({ userId: person.userId, role: Role.DEVELOPER })
  await live.until(() => permissions().includes('pipeline.edit'))
  await waitFor(() => editor.access.at(-1) === true)
  editor.addStep('two')
  await waitFor(() => isSaved(editor))
  await start(person)

  const told = live.events('me').length
  await members().setMemberRole({ userId: person.userId, role: Role.VIEWER })
  await live.until(() => live.events('me').length > told)
  expect(permissions()).not.toContain('pipeline.edit')
  await waitFor(() => editor.access.at(-1) === false)
  await expect(start(person)).rejects.toMatchObject(denied)
  expect(editor.refusals).toEqual([])
  expect([live.closeCode, editor.closedWith]).toEqual([undefined, undefined])
})

test('who changes nothing but their name is told of it, and of nothing else twice', async () => {
  const person = await c.addUser({ role: Role.VIEWER })
  const { live } = await openPages(person)
  await c.as(person).client(AuthService).updateMe({ name: 'Another' })
  await live.until(() => live.events('me').length === 2)
  expect(live.events('me').at(-1)?.kind).toMatchObject({ case: 'me', value: { user: { name: 'Another' } } })
  await c.as(person).client(AuthService).updateMe({ theme: 'dark' })
  await c.bus.settled()
  live.request({ case: 'ping', value: { at: 1 } })
  await live.until(() => live.responses.some(({ kind }) => kind.case === 'pong'))
  expect(live.events('me')).toHaveLength(2)
})

test('a role that ends by itself counts no more from that moment on, on calls and on what is open', async () => {
  const person = await c.addUser({ role: Role.VIEWER })
  const expiresAt = timestampFromDate(new Date(clock.now().getTime() + 10_500))
  const { member } = await members().setProjectMemberRole({
    projectId,
    userId: person.userId,
    roleId: 'developer',
    expiresAt,
  })
  expect(member).toMatchObject({ roleId: 'developer', expiresAt })
  const { live, editor, permissions } = await openPages(person)
  expect(permissions()).toContain('pipeline.edit')
  expect(editor.access).toEqual([true])
  clock.advance(9500)
  // What is known of the caller from this call is remembered for seconds, but not past the end.
  await start(person)
  clock.advance(1000)
  await expect(start(person)).rejects.toMatchObject(denied)
  await live.until(() => !permissions().includes('pipeline.edit'))
  await waitFor(() => editor.access.at(-1) === false)
  expect(permissions()).toContain('pipeline.read')
  const { members: left } = await members().listProjectMembers({ projectId })
  expect(left.find(({ userId }) => userId === person.userId)).toMatchObject({ roleId: 'viewer', inherited: true })
})

test('with the last role that ends go the sockets it opened', async () => {
  const person = await c.addUser({ role: Role.VIEWER, projectId })
  const expiresAt = timestampFromDate(new Date(clock.now().getTime() + 10_000))
  await members().setProjectMemberRole({ projectId, userId: person.userId, roleId: 'developer', expiresAt })
  const { live, editor } = await openPages(person)
  const topic = `run/${(await start(person)).run?.id}`
  expect((await live.subscribe(topic)).kind.case).toBe('subscribed')
  clock.advance(10_000)
  await live.until(() => live.events(topic).some(({ kind }) => kind.case === 'refused'))
  await waitFor(() => editor.closedWith === 4403)
})

test('a role with an end is given for the future, and an organization keeps an owner for good', async () => {
  const userId = c.owner.userId
  const at = (ms: number) => timestampFromDate(new Date(clock.now().getTime() + ms))
  await expect(members().setMemberRole({ userId, role: Role.OWNER, expiresAt: at(1000) })).rejects.toMatchObject({
    code: Code.FailedPrecondition,
  })
  await expect(members().setMemberRole({ userId, role: Role.OWNER, expiresAt: at(-1) })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  })
})

test('an invitation is worth nothing once the role of its maker has ended', async () => {
  const maker = await c.addUser({ role: Role.MAINTAINER })
  const { link } = await c.as(maker).client(MemberService).inviteMember({ email: 'x@example.org', roleId: 'developer' })
  const token = link.split('#')[1] ?? ''
  const auth = c.as(undefined).client(AuthService)
  expect((await auth.getInvitation({ token })).roleId).toBe('developer')
  const expiresAt = timestampFromDate(new Date(clock.now().getTime() + 1000))
  await members().setMemberRole({ userId: maker.userId, role: Role.MAINTAINER, expiresAt })
  clock.advance(1000)
  const gone = { code: Code.NotFound }
  await expect(auth.getInvitation({ token })).rejects.toMatchObject(gone)
  const taken = auth.acceptInvitation({ token, name: 'X', password: 'a long enough password' })
  await expect(taken).rejects.toMatchObject(gone)
})

test('another role is one row: it can be given, allows what it says, and nobody gives more than they have', async () => {
  const auditor: RoleDefinition = {
    id: 'auditor',
    name: 'Auditor',
    permissions: new Set(['run.read', 'organization.update']),
  }
  const roles = builtInRoles as RoleDefinition[]
  roles.push(auditor)
  try {
    const person = await c.addUser({ role: Role.VIEWER })
    const maintainer = await c.addUser({ role: Role.MAINTAINER })
    const { member } = await members().setMemberRole({ userId: person.userId, roleId: 'auditor' })
    expect(member).toMatchObject({ roleId: 'auditor', role: Role.UNSPECIFIED })
    expect((await c.as(person).client(RunService).listRuns({})).runs).toEqual([])
    await c.as(person).client(ProjectService).listProjects({})
    await expect(c.as(person).client(PipelineService).getPipeline({ pipelineId })).rejects.toMatchObject(denied)
    const theirs = c.as(maintainer).client(MemberService)
    await expect(theirs.setMemberRole({ userId: person.userId, role: Role.VIEWER })).rejects.toMatchObject(denied)
    await expect(theirs.inviteMember({ email: 'x@example.org', roleId: 'auditor' })).rejects.toMatchObject(denied)
  } finally {
    roles.splice(roles.indexOf(auditor), 1)
  }
  await expect(members().inviteMember({ email: 'x@example.org', roleId: 'auditor' })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  })
})

test('who calls is known by two statements, and by none when they have just called', async () => {
  const person = await c.addUser({ role: Role.VIEWER })
  const get = () => c.as(person).client(ProjectService).getProject({ projectId })
  // The first call of a minute notes that the token was used.
  await get()
  clock.advance(3000)
  const count = async () => {
    statements.length = 0
    await get()
    return statements.filter((sql) => /\b(api_token|user|session|access_grant)\b/.test(sql)).length
  }
  expect([await count(), await count()]).toEqual([2, 0])
})
