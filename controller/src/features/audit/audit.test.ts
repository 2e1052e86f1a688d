// Who changed what: one row for each call that changes something, with the change or not at all, for those who may read it.
import { Role } from '@ansflow/proto/access'
import { AuditActorKind, AuditService } from '@ansflow/proto/gen/ansflow/v1/audit_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import type { JsonObject } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { Code } from '@connectrpc/connect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callHttp } from '../../../test/call-any.ts'
import { changeRequests, changingMethods, methodsApart, things } from '../../../test/change-requests.ts'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { AuditEventEntity, type AuditEventRow } from './audit-event.entity.ts'

const admin = { email: 'root@example.org', password: 'correct horse battery', token: `af_${'x'.repeat(40)}` }

let c: TestController
beforeAll(async () => {
  c = await startController({ config: { admin } })
})
afterAll(() => c[Symbol.asyncDispose]())

const rows = (): Promise<AuditEventRow[]> => c.db.em().find(AuditEventEntity, {}, { orderBy: { id: 'asc' } })

/** The rows that the work leaves behind. */
async function writtenBy(work: () => Promise<unknown>): Promise<AuditEventRow[]> {
  const before = new Set((await rows()).map(({ id }) => id))
  await work()
  return (await rows()).filter(({ id }) => !before.has(id))
}

describe('a call that changes something is told once', () => {
  test('every such method is tried', () => {
    expect(changingMethods.filter(({ name }) => !changeRequests[name] && !methodsApart.has(name))).toEqual([])
  })

  test.each(changingMethods.filter(({ name }) => changeRequests[name]).map((method) => [method.name, method] as const))(
    '%s',
    async (name, method) => {
      const request: JsonObject = { ...(await changeRequests[name]!(await things(c))) }
      if (method.input.field['idempotencyKey']) request['idempotencyKey'] = `key of ${name}`
      const isPublic = name === 'Register'
      const stranger = await c.addUser({ role: Role.OWNER, organizationId: await c.addOrganization() })
      const isOfAnybody = [
        'UpdateMe',
        'CreateApiToken',
        'CreateProject',
        'CreateRegistrationToken',
        'StartRun',
      ].includes(name)
      if (!isPublic) {
        expect(await writtenBy(() => callHttp(c, method, request, undefined))).toEqual([])
        if (!isOfAnybody) expect(await writtenBy(() => callHttp(c, method, request, stranger.token))).toEqual([])
      }
      let code = ''
      const call = async () => {
        code = (await callHttp(c, method, request, isPublic ? undefined : c.owner.token)).code
      }
      const written = await writtenBy(call)
      expect(code).toBe('ok')
      expect(written).toHaveLength(1)
      const [row] = written
      expect(row).toMatchObject({
        action: `${method.parent.name}/${name}`,
        failure: '',
        address: expect.stringMatching(/./),
      })
      expect(row?.resourceKind).not.toBe('')
      expect(row?.organizationId).toBe(c.owner.organizationId)
      if (!isPublic) expect(row).toMatchObject({ actorKind: AuditActorKind.TOKEN, actorId: c.owner.userId })
      // The same call again under its key is answered, and nothing is done.
      if (request['idempotencyKey']) expect(await writtenBy(call)).toEqual([])
    },
    20_000,
  )
})

test('the value of a secret, and a new token, stand in no row', async () => {
  const projectId = await c.addProject()
  const value = 'canary of the secret'
  await c.as(c.owner).client(SecretService).putSecret({ projectId, name: 'NPM', value })
  const { secret } = await c
    .as(c.owner)
    .client(AuthService)
    .createApiToken({ name: 'ci', scopes: ['run.*'] })
  const text = JSON.stringify(await rows())
  expect(text).toContain('NPM')
  expect(text).not.toContain(value)
  expect(text).not.toContain(secret)
})

test('what cannot be done leaves nothing', async () => {
  const projectId = await c.addProject('Taken')
  const projects = c.as(c.owner).client(ProjectService)
  await projects.updateProject({ projectId, name: 'Once' })
  const { slug } = (await projects.getProject({ projectId })).project!
  const written = await writtenBy(async () => {
    await expect(projects.createProject({ name: 'x', slug })).rejects.toMatchObject({ code: Code.AlreadyExists })
    await expect(projects.updateProject({ projectId, name: '' })).rejects.toMatchObject({ code: Code.InvalidArgument })
  })
  expect(written).toEqual([])
})

test('signing in, also in vain, and the ends of sessions are told, with who and from where', async () => {
  const call = async (method: string, body: object, cookie = '') => {
    const response = await fetch(`${c.url}/api/ansflow.v1.AuthService/${method}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'a browser',
        origin: c.url,
        ...(cookie && { cookie }),
      },
      body: JSON.stringify(body),
    })
    return response.headers.get('set-cookie')?.split(';')[0] ?? ''
  }
  const { email, password } = admin
  const written = await writtenBy(async () => {
    await call('Login', { email, password: 'wrong' })
    await call('Login', { email: 'nobody@example.org', password: 'wrong' })
    const cookie = await call('Login', { email, password })
    await call('ChangePassword', { currentPassword: password, newPassword: 'another long one' }, cookie)
    await call('Logout', {}, cookie)
  })
  const told = written.map(({ action, failure, actorName, actorKind, client }) => [
    ...[action, failure, actorName],
    AuditActorKind[actorKind],
    client,
  ])
  expect(told).toEqual([
    ['AuthService/Login', 'wrong_credentials', 'root', 'PERSON', 'a browser'],
    ['AuthService/Login', 'wrong_credentials', '', 'ANONYMOUS', 'a browser'],
    ['AuthService/Login', '', 'root', 'PERSON', 'a browser'],
    ['AuthService/ChangePassword', '', 'root', 'PERSON', 'a browser'],
    ['AuthService/Logout', '', 'root', 'PERSON', 'a browser'],
  ])
  expect(JSON.stringify(written)).not.toContain('another long one')
})

test('starting and canceling a run is told in the commit of the run', async () => {
  const { pipelineId, projectId } = await things(c)
  const runs = c.as(c.owner).client(RunService)
  let runId = ''
  const written = await writtenBy(async () => {
    runId = (await runs.startRun({ pipelineId })).run?.id ?? ''
    await runs.cancelRun({ runId })
    // It has ended: nothing is changed any more.
    await runs.cancelRun({ runId })
  })
  expect(
    written.map(({ action, resourceId, resourceName, projectId }) => ({ action, resourceId, resourceName, projectId })),
  ).toEqual([
    { action: 'RunService/StartRun', resourceId: runId, resourceName: 'p #1', projectId },
    { action: 'RunService/CancelRun', resourceId: runId, resourceName: 'p #1', projectId },
  ])
})

describe('the list', () => {
  test('has the newest first, in pages, by what is asked for; rows outlive their project', async () => {
    const owner = await c.addUser({ role: Role.OWNER, organizationId: await c.addOrganization() })
    const as = c.as(owner)
    const projects = as.client(ProjectService)
    const made = []
    for (const name of ['One', 'Two', 'Three']) made.push((await projects.createProject({ name })).project!)
    const [one, two] = made
    await as.client(PipelineService).createPipeline({ projectId: two!.id, name: 'q' })
    await projects.updateProject({ projectId: one!.id, name: 'Uno' })
    await projects.deleteProject({ projectId: one!.id })
    const audit = as.client(AuditService)
    const list = async (request: object) =>
      (await audit.listAuditEvents(request)).events.map(({ action }) => action.split('/')[1])
    expect(await list({})).toEqual([
      ...['DeleteProject', 'UpdateProject', 'CreatePipeline', 'CreateProject', 'CreateProject', 'CreateProject'],
    ])
    expect(await list({ projectId: one!.id })).toEqual(['DeleteProject', 'UpdateProject', 'CreateProject'])
    expect(await list({ action: 'ProjectService/CreateProject', resourceId: two!.id })).toEqual(['CreateProject'])
    expect(await list({ actorId: owner.userId })).toHaveLength(6)
    expect(await list({ actorId: c.owner.userId })).toEqual([])
    const soon = timestampFromDate(new Date(Date.now() + 60_000))
    expect(await list({ since: soon })).toEqual([])
    expect(await list({ until: soon })).toHaveLength(6)
    const [changed] = (await audit.listAuditEvents({ action: 'ProjectService/UpdateProject' })).events
    expect(changed).toMatchObject({ resource: { kind: 'project', id: one!.id, name: 'Uno' } })
    expect([JSON.parse(changed?.before ?? ''), JSON.parse(changed?.after ?? '')]).toMatchObject([
      { name: 'One' },
      { name: 'Uno' },
    ])
    const paged: string[] = []
    for (let pageToken = ''; ; ) {
      const page = await audit.listAuditEvents({ pageSize: 4, pageToken })
      paged.push(...page.events.map(({ id }) => id))
      if (page.nextPageToken === '') break
      pageToken = page.nextPageToken
    }
    expect(paged).toEqual((await audit.listAuditEvents({})).events.map(({ id }) => id))
    expect(new Set(paged).size).toBe(6)
  })
})
