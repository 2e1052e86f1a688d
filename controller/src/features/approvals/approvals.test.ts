// Approvals by their API, on a started controller: who is asked, who may decide, and what becomes of it.
import { Role } from '@ansflow/proto/access'
import {
  type Approval,
  ApprovalDecision,
  ApprovalRefusal,
  ApprovalService,
  ApprovalStatus,
  ApprovalView,
  type DecideRequestSchema,
} from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { AuditService } from '@ansflow/proto/gen/ansflow/v1/audit_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService, WebhookCauseSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { StepStatus } from '@ansflow/proto/status'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { Code } from '@connectrpc/connect'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { LiveClient } from '../../../test/live-client.ts'
import { startController, type TestController, type TestUser } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { manualClock } from '../../platform/clock.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { createRunDriver } from '../runs/index.ts'
import { repeatRun } from '../runs/repeat-run.ts'
import { approvalParticipant } from './approval-participant.ts'

const { APPROVE, REJECT } = ApprovalDecision

let c: TestController
let clock: ReturnType<typeof manualClock>
let ada: TestUser
let ben: TestUser
let projectId: string
beforeAll(async () => {
  clock = manualClock()
  c = await startController({ file: true, overrides: { clock } })
})
afterAll(() => c[Symbol.asyncDispose]())
beforeEach(async () => {
  ada = await c.addUser({ role: Role.MAINTAINER })
  ben = await c.addUser({ role: Role.MAINTAINER })
  projectId = await c.addProject()
})
/** Nothing of one test waits in the next. */
afterEach(async () => {
  const { approvals } = await approvalsOf(c.owner).listApprovals({ statuses: [ApprovalStatus.WAITING] })
  for (const { runId } of approvals) await c.as(c.owner).client(RunService).cancelRun({ runId })
})

const approvalsOf = (who: TestUser | string) => c.as(who).client(ApprovalService)

/** Starts a run that asks at once. `after` would need an agent: that it is queued says that the run goes on. */
async function ask(
  by: TestUser,
  given = 'approvers: ["role:maintainer"]',
  more = '',
  warnings: string[] = [],
): Promise<Approval> {
  const yaml = `name: ship
steps:
  ask: { uses: approval, name: Sign off, with: { ${given} }${more} }
  after: { needs: [ask], run: "true" }
  back: { needs: [{ step: ask, on: failure }], run: "true" }
`
  const { pipeline, problems } = await c
    .as(c.owner)
    .client(PipelineService)
    .applyPipeline({ projectId, yaml, publish: true })
  expect(problems.map(({ code }) => code)).toEqual(warnings)
  const { run } = await c.as(by).client(RunService).startRun({ pipelineId: pipeline!.id })
  return asked(run!.id)
}

async function asked(runId: string): Promise<Approval> {
  const { approvals } = await approvalsOf(c.owner).listApprovals({ runId })
  expect(approvals).toHaveLength(1)
  return approvals[0]!
}

const decide = async (who: TestUser | string, request: MessageInitShape<typeof DecideRequestSchema>) =>
  (await approvalsOf(who).decide(request)).approval!

async function statuses({ runId }: { runId: string }): Promise<string> {
  const { run } = await c.as(c.owner).client(RunService).getRun({ runId })
  return run!.steps.map(({ id, status }) => `${id}:${StepStatus[status].toLowerCase()}`).join(' ')
}

const waitingFor = async (who: TestUser) =>
  (await approvalsOf(who).listApprovals({ view: ApprovalView.FOR_ME })).approvals.map(({ id }) => id)

describe('who decides', () => {
  test('two of those who have the role, or more than it, and never who started the run', async () => {
    const cy = await c.addUser({ role: Role.DEVELOPER })
    const approval = await ask(ada, 'approvers: ["role:maintainer"], required: 2, message: "Go ${{ run.number }}?"')
    expect(approval).toMatchObject({
      status: ApprovalStatus.WAITING,
      message: 'Go 1?',
      required: 2,
      stepName: 'Sign off',
      requestedBy: ada.userId,
      reason: 'Waits for the approval of a maintainer: 0 of 2 so far.',
    })
    expect([await waitingFor(ada), await waitingFor(cy)]).toEqual([[], []])
    expect([await waitingFor(ben), await waitingFor(c.owner)]).toEqual([[approval.id], [approval.id]])
    const approvalId = approval.id
    await expect(decide(ada, { approvalId, decision: APPROVE })).rejects.toMatchObject({
      code: Code.PermissionDenied,
      rawMessage: 'You started this run: somebody else has to decide.',
    })
    await expect(decide(cy, { approvalId, decision: APPROVE })).rejects.toMatchObject({
      code: Code.PermissionDenied,
      rawMessage: 'This is for others to decide: a maintainer.',
    })
    const once = await decide(ben, { approvalId, decision: APPROVE, comment: 'fine' })
    expect(once.reason).toBe('Waits for the approval of a maintainer: 1 of 2 so far.')
    // The same again changes nothing, another decision is refused.
    expect((await decide(ben, { approvalId, decision: APPROVE })).decisions).toHaveLength(1)
    await expect(decide(ben, { approvalId, decision: REJECT })).rejects.toMatchObject({ code: Code.FailedPrecondition })
    expect(await statuses(approval)).toBe('ask:waiting after:blocked back:blocked')
    const done = await decide(c.owner, { approvalId, decision: APPROVE })
    expect(done).toMatchObject({ status: ApprovalStatus.APPROVED, refusal: ApprovalRefusal.CLOSED })
    expect(done.decisions.map(({ userId, comment }) => [userId, comment])).toEqual([
      [ben.userId, 'fine'],
      [c.owner.userId, ''],
    ])
    expect(await statuses(approval)).toBe('ask:succeeded after:queued back:skipped')
  })

  test('whom the file names by address, if they are more than viewers; viewers see it, and for whom, and cannot', async () => {
    const viewer = await c.addUser({ role: Role.VIEWER, projectId })
    const named = await c.addUser({ role: Role.DEVELOPER, projectId })
    const approvers = `approvers: ["user:${named.email.toUpperCase()}", "user:${viewer.email}"]`
    const { id: approvalId, runId } = await ask(ada, approvers, '', ['approval_unable'])
    const { approval } = await approvalsOf(viewer).getApproval({ approvalId })
    expect([approval!.refusal, approval!.reason]).toEqual([
      ApprovalRefusal.PERMISSION,
      `Waits for the approval of ${named.email.toUpperCase()}, ${viewer.email}.`,
    ])
    await expect(decide(viewer, { approvalId, decision: APPROVE })).rejects.toMatchObject({
      code: Code.PermissionDenied,
      rawMessage: 'This needs the permission approval.decide. An owner can grant it.',
    })
    const stranger = await c.addUser({ role: Role.OWNER, organizationId: await c.addOrganization() })
    await expect(decide(stranger, { approvalId, decision: APPROVE })).rejects.toMatchObject({ code: Code.NotFound })
    expect((await approvalsOf(stranger).listApprovals({ runId })).approvals).toEqual([])
    expect((await decide(named, { approvalId, decision: APPROVE })).status).toBe(ApprovalStatus.APPROVED)
  })

  test('is looked at when it is decided: a role that was taken away meanwhile does not count, nor a token without the scope', async () => {
    const { id: approvalId } = await ask(ada, 'approvers: ["role:maintainer"]')
    const { secret } = await c
      .as(ben)
      .client(AuthService)
      .createApiToken({ name: 'reads', scopes: ['run.*'] })
    expect((await approvalsOf(secret).getApproval({ approvalId })).approval!.refusal).toBe(ApprovalRefusal.PERMISSION)
    await expect(decide(secret, { approvalId, decision: APPROVE })).rejects.toMatchObject({
      code: Code.PermissionDenied,
    })
    expect(await waitingFor(ben)).toEqual([approvalId])
    const { organizationId } = c.owner
    await c
      .as(c.owner)
      .client(MemberService)
      .setMemberRole({ organizationId, userId: ben.userId, role: Role.DEVELOPER })
    expect(await waitingFor(ben)).toEqual([])
    await expect(decide(ben, { approvalId, decision: APPROVE })).rejects.toMatchObject({
      code: Code.PermissionDenied,
      rawMessage: 'This is for others to decide: a maintainer.',
    })
  })

  test('who started the run, where the step says so; who ran it again counts as its starter', async () => {
    const own = await ask(ada, 'approvers: ["role:maintainer"], selfApproval: true')
    expect((await decide(ada, { approvalId: own.id, decision: APPROVE })).status).toBe(ApprovalStatus.APPROVED)
    const first = await ask(ada, 'approvers: ["role:maintainer"]')
    const runs = c.as(ben).client(RunService)
    await runs.cancelRun({ runId: first.runId })
    const { run } = await runs.rerunRun({ runId: first.runId })
    const again = await asked(run!.id)
    expect(again).toMatchObject({ status: ApprovalStatus.WAITING, requestedBy: ben.userId })
    await expect(decide(ben, { approvalId: again.id, decision: APPROVE })).rejects.toMatchObject({
      code: Code.PermissionDenied,
    })
    expect((await decide(ada, { approvalId: again.id, decision: APPROVE })).status).toBe(ApprovalStatus.APPROVED)
  })

  test('nobody for themselves by another pipeline that runs it, by the end of another run, or by a repeat that no person asked for', async () => {
    const pipelines = c.as(c.owner).client(PipelineService)
    const publish = async (yaml: string) =>
      (await pipelines.applyPipeline({ projectId, yaml, publish: true })).pipeline!.id
    const wait = 'uses: wait, with: { until: "2020-01-01T00:00:00Z" }'
    const guarded = (name: string, on: string) =>
      publish(`name: ${name}\n${on}steps: { ask: { uses: approval, with: { approvers: ["role:maintainer"] } } }\n`)
    await guarded('ship', '')
    const wrap = await publish('name: wrap\nsteps: { go: { uses: pipeline, with: { pipeline: ship } } }\n')
    const build = await publish(`name: build\nsteps: { go: { ${wait} } }\n`)
    await guarded('after', 'on: { run: build }\n')
    const runs = c.as(ada).client(RunService)
    // What runs ask of one another is looked at now and then.
    const ticking = setInterval(() => clock.advance(100), 5)
    const own: Approval[] = []
    for (const pipelineId of [wrap, build]) {
      await runs.startRun({ pipelineId })
      own.push(
        await waitFor(async () => {
          const { approvals } = await approvalsOf(c.owner).listApprovals({
            projectId,
            statuses: [ApprovalStatus.WAITING],
          })
          return approvals.find(({ id }) => own.every((other) => other.id !== id))
        }),
      )
    }
    clearInterval(ticking)
    await runs.cancelRun({ runId: own[0]!.runId })
    const { db } = c
    const driver = anotherDriver()
    const needs = { approvals: async () => [], keepers: async () => new Map() }
    const cause = { case: 'webhook', value: create(WebhookCauseSchema, { sender: 'ada', repeats: true }) } as const
    const repeated = await repeatRun({ db, clock, driver, needs }, { runId: own[0]!.runId, cause, newId: uuidv7() })
    for (const approval of [own[1]!, await asked(repeated.id)]) {
      expect(approval).toMatchObject({ requestedBy: ada.userId, requestedByName: ada.email.split('@')[0] })
      const { id: approvalId } = approval
      await expect(decide(ada, { approvalId, decision: APPROVE })).rejects.toMatchObject({
        code: Code.PermissionDenied,
        rawMessage: 'You started this run: somebody else has to decide.',
      })
      expect((await decide(ben, { approvalId, decision: APPROVE })).status).toBe(ApprovalStatus.APPROVED)
    }
    await driver.stop()
  })
})

test('answers are checked by their fields and become outputs; those of a rejection are not asked', async () => {
  const fields =
    '[{ name: reason, required: true }, { name: share, type: number, default: 10 }, { name: now, type: boolean }, { name: where, type: choice, options: [eu, us] }]'
  const approval = await ask(ada, `approvers: ["role:maintainer"], fields: ${fields}`)
  const approvalId = approval.id
  const refusedFields = (answers: Record<string, unknown>) =>
    decide(ben, { approvalId, decision: APPROVE, fields: answers as never }).then(
      () => 'taken',
      (error: Error) => error.message,
    )
  expect(await refusedFields({})).toMatch(/fields\.reason/)
  expect(await refusedFields({ reason: 1 })).toMatch(/fields\.reason/)
  expect(await refusedFields({ reason: 'x', share: '10' })).toMatch(/fields\.share/)
  expect(await refusedFields({ reason: 'x', where: 'moon' })).toMatch(/fields\.where/)
  expect(await refusedFields({ reason: 'x', other: 'y' })).toMatch(/fields\.other/)
  await decide(ben, { approvalId, decision: APPROVE, fields: { reason: 'it is time', now: true, where: 'us' } })
  const { run } = await c.as(ben).client(RunService).getRun({ runId: approval.runId })
  expect(run!.steps[0]!.outputs).toEqual({
    ...{ reason: 'it is time', share: '10', now: 'true', where: 'us' },
    ...{ decision: 'approved', decidedBy: ben.email.slice(0, 8), comment: '' },
  })
  const other = await ask(ada, `approvers: ["role:maintainer"], fields: ${fields}`)
  expect((await decide(ben, { approvalId: other.id, decision: REJECT })).status).toBe(ApprovalStatus.REJECTED)
})

test('one rejection ends it, with who and why; the way of failure goes on; all of it is told in the audit', async () => {
  const approval = await ask(ada, 'approvers: ["role:maintainer"], required: 2')
  const approvalId = approval.id
  await decide(ben, { approvalId, decision: APPROVE })
  const comment = 'Not on a Friday.'
  const rejected = await decide(c.owner, { approvalId, decision: REJECT, comment })
  const by = c.owner.email.slice(0, 8)
  expect([rejected.status, rejected.reason]).toEqual([ApprovalStatus.REJECTED, `Rejected by ${by}: ${comment}`])
  expect(await statuses(approval)).toBe('ask:failed after:skipped back:queued')
  const { events } = await c.as(c.owner).client(AuditService).listAuditEvents({ resourceId: approvalId })
  expect(events.map(({ action, actor, after }) => [action, actor!.id, JSON.parse(after) as object])).toEqual([
    ['ApprovalService/Decide', c.owner.userId, { decision: 'rejected', comment, answers: {}, runId: approval.runId }],
    ['ApprovalService/Decide', ben.userId, { decision: 'approved', comment: '', answers: {}, runId: approval.runId }],
  ])
  const decidedByBen = { view: ApprovalView.DECIDED_BY_ME }
  expect((await approvalsOf(ben).listApprovals(decidedByBen)).approvals.map(({ id }) => id)).toEqual([approvalId])
  const startedByAda = { view: ApprovalView.STARTED_BY_ME }
  expect((await approvalsOf(ada).listApprovals(startedByAda)).approvals.map(({ id }) => id)).toEqual([approvalId])
})

test('a rejection that is allowed lets the run go on', async () => {
  const approval = await ask(ada, 'approvers: ["role:maintainer"]', ', allowFailure: true')
  await decide(ben, { approvalId: approval.id, decision: REJECT })
  expect(await statuses(approval)).toBe('ask:failed after:queued back:skipped')
})

test('canceling the run withdraws it, running it again asks again', async () => {
  const { id: approvalId, runId } = await ask(ada)
  const runs = c.as(ada).client(RunService)
  await runs.cancelRun({ runId })
  const { approval } = await approvalsOf(ben).getApproval({ approvalId })
  expect(approval).toMatchObject({ status: ApprovalStatus.WITHDRAWN, expired: false })
  await expect(decide(ben, { approvalId, decision: APPROVE })).rejects.toMatchObject({
    code: Code.FailedPrecondition,
    rawMessage: 'It does not wait any more: it was withdrawn.',
  })
  const { run } = await runs.rerunRun({ runId })
  const again = await asked(run!.id)
  expect([again.status, again.id === approvalId]).toEqual([ApprovalStatus.WAITING, false])
  expect(await waitingFor(ben)).toEqual([again.id])
})

test.each([
  ['reject', ApprovalStatus.REJECTED, 'ask:failed after:skipped back:queued'],
  ['approve', ApprovalStatus.APPROVED, 'ask:succeeded after:queued back:skipped'],
])('nobody decides in time: %s, once, however many controllers look', async (onExpiry, status, ended) => {
  const approval = await ask(ada, `approvers: ["role:maintainer"], expires: 1h, onExpiry: ${onExpiry}`)
  const other = anotherDriver()
  clock.advance(3_600_000)
  await Promise.all([other.sweep(), other.submit(approval.runId, { type: 'timer' })])
  await waitFor(async () => (await statuses(approval)) === ended)
  const { approval: over } = await approvalsOf(ben).getApproval({ approvalId: approval.id })
  expect(over).toMatchObject({ status, expired: true, reasonInfo: { code: 'approval_expired' } })
  await expect(decide(ben, { approvalId: approval.id, decision: APPROVE })).rejects.toMatchObject({
    code: Code.FailedPrecondition,
  })
  await other.stop()
})

/** Of a second controller on the same database. */
function anotherDriver() {
  const { db, bus, controller } = c
  return createRunDriver({ db, bus, clock, log: controller.log, participants: () => [approvalParticipant(db)] })
}

test('two people decide at the same moment on two controllers: each counts once, and there is one result', async () => {
  for (let round = 0; round < 5; round++) {
    const approval = await ask(ada, `approvers: ["role:maintainer"], required: ${1 + (round % 2)}`)
    const { id: approvalId, runId } = approval
    const other = anotherDriver()
    const vote = (who: TestUser, approve: boolean) => {
      return { by: who.userId, byName: who.email, approve, comment: '', answers: {} }
    }
    const event = (who: TestUser, approve: boolean) =>
      ({ type: 'approvalDecided', stepId: 'ask', approvalId, vote: vote(who, approve) }) as const
    const results = await Promise.all([
      other.submit(runId, event(ben, round !== 2)),
      decide(c.owner, { approvalId, decision: APPROVE }).then(
        () => 'applied',
        () => 'stale',
      ),
      other.submit(runId, event(ben, round !== 2)),
    ])
    const { approval: over } = await approvalsOf(c.owner).getApproval({ approvalId })
    const { APPROVED, REJECTED } = ApprovalStatus
    expect([APPROVED, REJECTED]).toContain(over!.status)
    expect(over!.decisions.length).toBe(results.filter((result) => result === 'applied').length)
    expect(new Set(over!.decisions.map(({ userId }) => userId)).size).toBe(over!.decisions.length)
    const yes = over!.decisions.filter(({ decision }) => decision === APPROVE).length
    expect(over!.status === APPROVED).toBe(yes === over!.required && yes === over!.decisions.length)
    expect(await statuses(approval)).toMatch(over!.status === APPROVED ? /after:queued/ : /after:skipped/)
    await other.stop()
  }
})

test('what was decided, and what is still missing, is there after a restart', async () => {
  const approval = await ask(ada, 'approvers: ["role:maintainer"], required: 2, expires: 1h')
  await decide(ben, { approvalId: approval.id, decision: APPROVE })
  await c.restart()
  expect(await waitingFor(c.owner)).toEqual([approval.id])
  expect(await waitingFor(ben)).toEqual([])
  expect((await decide(c.owner, { approvalId: approval.id, decision: APPROVE })).status).toBe(ApprovalStatus.APPROVED)
})

test('who looks is told that something has changed, without what', async () => {
  const approval = await ask(ada, 'approvers: ["role:maintainer"], required: 2')
  const live = await LiveClient.open(c.url, ben.token)
  // The controller's clock stands still by itself.
  const ticking = setInterval(() => clock.advance(50), 5)
  await live.subscribe('approvals')
  const told = () => live.responses.filter(({ topic, kind }) => topic === 'approvals' && kind.case === 'resync').length
  await decide(c.owner, { approvalId: approval.id, decision: APPROVE })
  await waitFor(() => told() === 1)
  clearInterval(ticking)
  live.socket.close()
})

test('lists come in pages, of what the caller may read and decide', async () => {
  const other = await c.addProject()
  const developer = await c.addUser({ role: Role.DEVELOPER, projectId: other })
  const made = []
  for (let i = 0; i < 3; i++) made.unshift((await ask(ada)).id)
  const ids: string[] = []
  for (let pageToken = ''; ; ) {
    const answer = await approvalsOf(ben).listApprovals({ view: ApprovalView.FOR_ME, pageSize: 2, pageToken })
    ids.push(...answer.approvals.map(({ id }) => id))
    pageToken = answer.nextPageToken
    if (pageToken === '') break
  }
  expect(ids).toEqual(made)
  expect((await approvalsOf(developer).listApprovals({})).approvals).toEqual([])
  await expect(approvalsOf(developer).getApproval({ approvalId: made[0]! })).rejects.toMatchObject({
    code: Code.NotFound,
  })
})
