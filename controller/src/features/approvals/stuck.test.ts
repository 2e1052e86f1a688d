// An approval that waits for what cannot come says so, to whoever looks at it, as long as it is so.
import { Role } from '@ansflow/proto/access'
import { type Approval, ApprovalDecision, ApprovalService } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { problemText } from '@ansflow/proto/problem-text'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startController, type TestController, type TestUser } from '../../../test/start-controller.ts'

let c: TestController
let organizationId: string
let projectId: string
let owner: TestUser
beforeAll(async () => {
  c = await startController()
})
afterAll(() => c[Symbol.asyncDispose]())
beforeEach(async () => {
  organizationId = await c.addOrganization()
  projectId = await c.addProject(undefined, organizationId)
  owner = await c.addUser({ role: Role.OWNER, organizationId })
})

const approvalsOf = (who: TestUser) => c.as(who).client(ApprovalService)
const nameOf = ({ email }: TestUser) => email.slice(0, 8)

async function ask(given: string, by = owner): Promise<Approval> {
  const yaml = `name: ship\nsteps:\n  ask: { uses: approval, with: { ${given} } }\n`
  const { pipeline } = await c.as(owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const { run } = await c.as(by).client(RunService).startRun({ pipelineId: pipeline!.id })
  const { approvals } = await approvalsOf(owner).listApprovals({ runId: run!.id })
  return approvals[0]!
}

/** As the approval's own page and the run's page have it. */
async function stuck({ id, runId }: Approval, by = owner) {
  const { approval } = await approvalsOf(by).getApproval({ approvalId: id })
  const { approvals } = await approvalsOf(by).listApprovals({ runId })
  expect(approvals[0]!.stuck).toEqual(approval!.stuck)
  return approval!.stuck
}

test('where nobody has what it asks for, until somebody has', async () => {
  const someone = await c.addUser({ role: Role.VIEWER, organizationId })
  const approval = await ask(`approvers: ["user:${someone.email}"]`)
  const problem = (await stuck(approval))!
  expect(problem).toMatchObject({ code: 'stuck_nobody', stepId: 'ask' })
  expect(problem.message).toMatch(
    new RegExp(`^Nobody may decide this now: .* is meant by ${someone.email}\\. .* or cancel the run\\.$`),
  )
  expect(problemText(problem, 'zh-CN')).toContain(`目前没有人可以审批：项目中没有可审批的成员属于 ${someone.email}`)
  const role = { organizationId, userId: someone.userId, role: Role.DEVELOPER }
  await c.as(owner).client(MemberService).setMemberRole(role)
  expect(await stuck(approval)).toBeUndefined()
})

test('where only who started the run could decide it', async () => {
  const approval = await ask('approvers: ["role:maintainer"]')
  expect(await stuck(approval)).toMatchObject({ code: 'stuck_own', params: { who: nameOf(owner) } })
  expect((await stuck(approval))!.message).toMatch(/^Nobody else may decide this now: /)
  await c.addUser({ role: Role.MAINTAINER, organizationId })
  expect(await stuck(approval)).toBeUndefined()
  expect(await stuck(await ask('approvers: ["role:maintainer"], selfApproval: true'))).toBeUndefined()
})

test('where fewer are left than have to approve, with those that are', async () => {
  const [ada, ben] = [
    await c.addUser({ role: Role.MAINTAINER, organizationId }),
    await c.addUser({ role: Role.MAINTAINER, organizationId }),
  ]
  const starter = await c.addUser({ role: Role.DEVELOPER, organizationId })
  const approval = await ask('approvers: ["role:maintainer"], required: 3', starter)
  expect(await stuck(approval)).toBeUndefined()
  await approvalsOf(ada).decide({ approvalId: approval.id, decision: ApprovalDecision.APPROVE })
  expect(await stuck(approval)).toBeUndefined()
  const role = { organizationId, userId: ben.userId, role: Role.DEVELOPER }
  await c.as(owner).client(MemberService).setMemberRole(role)
  const few = { missing: '2', count: '1', people: nameOf(owner) }
  expect(await stuck(approval)).toMatchObject({ code: 'stuck_few', params: few })
  // One that is decided waits for nobody.
  await approvalsOf(owner).decide({ approvalId: approval.id, decision: ApprovalDecision.REJECT })
  expect(await stuck(approval)).toBeUndefined()
})

test('which who may not read members elsewhere does not hear', async () => {
  const approval = await ask('approvers: ["user:nobody@example.test"]')
  const reader = (...scopes: string[]) => c.addUser({ role: Role.OWNER, organizationId, scopes })
  expect(await stuck(approval, await reader('run.read'))).toBeUndefined()
  expect(await stuck(approval, await reader('run.read', 'member.read'))).toMatchObject({ code: 'stuck_nobody' })
})
