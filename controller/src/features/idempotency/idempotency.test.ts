import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Role } from '@ansflow/proto/access'
import { ApprovalDecision, ApprovalService } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { ProposalService, ProposalWay } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { Code } from '@connectrpc/connect'
import { expect, onTestFinished, test } from 'vitest'
import { createRepository, serveGitHttp } from '../../../../proto/test/git-servers.ts'
import { callGrpc, callHttp } from '../../../test/call-any.ts'
import { connectedRepository } from '../../../test/change-requests.ts'
import { startController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { manualClock } from '../../platform/clock.ts'
import { readAllowed } from '../../platform/outbound-rules.ts'
import { createReplies } from './replies.ts'

const yaml = 'name: p\nsteps:\n  one: { run: "true" }\n'

test('calls with one key are one call, through both doors and at the same time', async () => {
  await using c = await startController()
  const request = { name: 'Shop', idempotencyKey: 'k1' }
  const [first, ...others] = await Promise.all([
    ...Array.from({ length: 5 }, () => c.as(c.owner).client(ProjectService).createProject(request)),
    ...Array.from({ length: 5 }, () => c.grpcClient(ProjectService, c.owner.token).createProject(request)),
  ])
  expect(first?.project?.slug).toBe('shop')
  for (const { project } of others) expect(project).toEqual(first?.project)
  expect((await c.as(c.owner).client(ProjectService).listProjects({})).projects).toHaveLength(1)
})

test('every rpc that may carry a key refuses it for another request', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ansflow-idempotency-'))
  createRepository(folder, 'built')
  await using git = await serveGitHttp(folder, 'user', '')
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  await using c = await startController({ config: { outboundAllowed: readAllowed('127.0.0.1') } })
  const projectId = await c.addProject()
  const owner = c.as(c.owner)
  const { pipeline } = await owner.client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const pipelineId = pipeline?.id ?? ''
  const { run } = await owner.client(RunService).startRun({ pipelineId })
  const runId = run?.id ?? ''
  const again = await owner.client(RunService).startRun({ pipelineId })
  const asks =
    'name: asks\nsteps: { ask: { uses: approval, with: { approvers: ["role:owner"], selfApproval: true } } }\n'
  const asking = await owner.client(PipelineService).applyPipeline({ projectId, yaml: asks, publish: true })
  const asked = await owner.client(RunService).startRun({ pipelineId: asking.pipeline?.id ?? '' })
  const { approvals } = await owner.client(ApprovalService).listApprovals({ runId: asked.run?.id ?? '' })
  const decision = { approvalId: approvals[0]?.id ?? '', decision: ApprovalDecision.APPROVE }
  const { connectionId } = await connectedRepository(c, projectId)
  const url = 'http://127.0.0.1:1'
  const toGit = { projectId, name: 'server', kind: ForgeKind.GIT, url: git.url }
  const server = await owner.client(ConnectionService).createConnection(toGit)
  const { repository } = await owner
    .client(RepositoryService)
    .connectRepository({ projectId, connectionId: server.connection?.id ?? '', fullName: 'built.git' })
  const proposed = { pipelineId, repositoryId: repository?.id ?? '', path: 'ansflow.yaml', way: ProposalWay.BRANCH }
  const calls = [
    [ProjectService.method.createProject, { name: 'one' }, { name: 'two' }],
    [PipelineService.method.createPipeline, { projectId, name: 'one' }, { projectId, name: 'two' }],
    [
      PipelineService.method.applyPipeline,
      { projectId, yaml },
      { projectId, yaml: yaml.replace('name: p', 'name: q') },
    ],
    [PipelineService.method.publishPipeline, { pipelineId, note: 'one' }, { pipelineId, note: 'two' }],
    [ProposalService.method.proposePipeline, { ...proposed, title: 'one' }, { ...proposed, title: 'two' }],
    [RunService.method.startRun, { pipelineId }, { pipelineId, version: 1 }],
    [ApprovalService.method.decide, { ...decision, comment: 'one' }, { ...decision, comment: 'two' }],
    [
      ConnectionService.method.createConnection,
      { projectId, name: 'git', kind: ForgeKind.GIT, url },
      { projectId, name: 'other', kind: ForgeKind.GIT, url },
    ],
    [
      ConnectionService.method.createOrganizationConnection,
      { organizationId: c.owner.organizationId, name: 'git', kind: ForgeKind.GIT, url },
      { organizationId: c.owner.organizationId, name: 'other', kind: ForgeKind.GIT, url },
    ],
    [
      RepositoryService.method.connectRepository,
      { projectId, connectionId, fullName: 'one.git' },
      { projectId, connectionId, fullName: 'two.git' },
    ],
    [RunService.method.rerunRun, { runId }, { runId: again.run?.id ?? '' }],
  ] as const
  const withKey = c.controller.services.flatMap(({ service }) =>
    service.methods.filter((method) => method.input.fields.some((field) => field.name === 'idempotency_key')),
  )
  expect(calls.map(([method]) => method.name).sort()).toEqual(withKey.map((method) => method.name).sort())
  for (const [method, request, other] of calls) {
    const idempotencyKey = 'the same'
    for (const call of [callHttp, callGrpc]) {
      expect(await call(c, method, { ...request, idempotencyKey }, c.owner.token)).toMatchObject({ code: 'ok' })
    }
    expect(await callHttp(c, method, { ...other, idempotencyKey }, c.owner.token)).toMatchObject({
      code: 'failed_precondition',
      reason: 'idempotency_key_reused',
    })
    const long = { ...request, idempotencyKey: 'x'.repeat(129) }
    expect(await callHttp(c, method, long, c.owner.token)).toMatchObject({ code: 'invalid_argument' })
  }
})

test('a key belongs to one person, is free after a failure, and is forgotten after a week', async () => {
  const clock = manualClock()
  await using c = await startController({ overrides: { clock } })
  const projects = (user: typeof c.owner) => c.as(user).client(ProjectService)
  const key = { idempotencyKey: 'k' }
  await expect(projects(c.owner).createProject({ name: '', ...key })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  })
  const mine = await projects(c.owner).createProject({ name: 'one', ...key })
  const other = await c.addUser({ role: Role.MAINTAINER })
  const theirs = await projects(other).createProject({ name: 'two', ...key })
  expect(theirs.project?.id).not.toBe(mine.project?.id)
  await c
    .as(c.owner)
    .client(ProjectService)
    .deleteProject({ projectId: mine.project?.id ?? '' })
  expect((await projects(c.owner).createProject({ name: 'one', ...key })).project?.id).toBe(mine.project?.id)
  clock.advance(8 * 24 * 3_600_000)
  expect((await projects(c.owner).createProject({ name: 'one', ...key })).project?.id).not.toBe(mine.project?.id)
})

test('a call that went down with its controller before it changed anything is made by the next one with its key', async () => {
  const clock = manualClock()
  await using c = await startController({ overrides: { clock } })
  const create = () => c.as(c.owner).client(ProjectService).createProject({ name: 'one', idempotencyKey: 'k' })
  await create()
  await c.db.em().execute("update idempotency_key set answer = null, done = 0, holder = 'gone'")
  await c.db.em().execute('delete from project')
  clock.advance(61_000)
  expect((await create()).project?.slug).toBe('one')
})

test('a run whose controller went down between its commit and its answer is found by its key', async () => {
  const clock = manualClock()
  await using c = await startController({ overrides: { clock }, file: true })
  const projectId = await c.addProject()
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const pipelineId = pipeline?.id ?? ''
  const runs = c.as(c.owner).client(RunService)
  const start = () => runs.startRun({ pipelineId, idempotencyKey: 'k' })
  const { run } = await start()
  const forget = "update idempotency_key set answer = null, done = 0, holder = 'gone' where answer is not null"
  await c.db.em().execute(forget)
  clock.advance(61_000)
  expect((await start()).run?.id).toBe(run?.id)
  // The only controller of a database need not wait.
  await c.db.em().execute(forget)
  if (c.db.dialect === 'mysql') clock.advance(61_000)
  await c.restart()
  expect((await waitFor(start)).run?.id).toBe(run?.id)
  expect((await runs.listRuns({ pipelineId })).runs).toHaveLength(1)
})

test('a call whose controller went down between its work and its answer is not made twice', async () => {
  const clock = manualClock()
  await using c = await startController({ overrides: { clock } })
  const projects = c.as(c.owner).client(ProjectService)
  const create = () => projects.createProject({ name: 'one', idempotencyKey: 'k' })
  await create()
  await c.db.em().execute("update idempotency_key set answer = null, holder = 'gone'")
  await createReplies({ db: c.db, clock }).freeInterrupted()
  clock.advance(61_000)
  await expect(create()).rejects.toMatchObject({ code: Code.FailedPrecondition, message: /carried out before/ })
  expect((await projects.listProjects({})).projects).toHaveLength(1)
})

test('the only controller of a database takes at its start what the one before did not finish', async () => {
  await using c = await startController()
  await c.as(c.owner).client(ProjectService).createProject({ name: 'one', idempotencyKey: 'k' })
  const gone = async () => (await c.db.em().execute("select id from idempotency_key where holder = 'gone'")).length
  await c.db.em().execute("update idempotency_key set answer = null, done = 0, holder = 'gone'")
  await createReplies({ db: c.db, clock: manualClock() }).freeInterrupted()
  // Several controllers may share the other databases: there it may be another's.
  expect(await gone()).toBe(c.db.dialect === 'sqlite' ? 0 : 1)
})

test('starts that a stopping controller cuts off are found, or made once, by the same keys', async () => {
  await using c = await startController({ file: true })
  const projectId = await c.addProject()
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const pipelineId = pipeline?.id ?? ''
  const start = (n: number) => {
    const request = { pipelineId, idempotencyKey: `k${n}` }
    return n % 2 === 0
      ? c.as(c.owner).client(RunService).startRun(request)
      : c.grpcClient(RunService, c.owner.token).startRun(request)
  }
  const known = await Promise.all([0, 1].map(start))
  const keys = Array.from({ length: 20 }, (_, n) => n)
  const first = Promise.allSettled(keys.map(start))
  await c.restart()
  const cut = await first
  for (const end of cut) {
    if (end.status === 'rejected') expect([Code.Unavailable, Code.Aborted]).toContain(end.reason.code)
  }
  // A client that could not connect waits before it tries again.
  const again = await Promise.all(keys.map((n) => waitFor(() => start(n))))
  expect(again.slice(0, 2)).toEqual(known)
  for (const [n, end] of cut.entries()) if (end.status === 'fulfilled') expect(again[n]).toEqual(end.value)
  const { runs } = await c.as(c.owner).client(RunService).listRuns({ pipelineId })
  expect(runs.map(({ id }) => id).sort()).toEqual(again.map(({ run }) => run?.id).sort())
})
