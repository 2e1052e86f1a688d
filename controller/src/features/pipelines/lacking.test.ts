// What a pipeline asks of people, secrets and other pipelines that are not there is said before anything runs, wherever a draft is
// looked at: when a file is applied, the draft read or checked, and when it is published.
import { Role } from '@ansflow/proto/access'
import { type Problem, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { problemText } from '@ansflow/proto/problem-text'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startController, type TestController, type TestUser } from '../../../test/start-controller.ts'

let c: TestController
let projectId: string
let organizationId: string
let owner: TestUser
beforeAll(async () => {
  c = await startController()
})
afterAll(() => c[Symbol.asyncDispose]())
beforeEach(async () => {
  organizationId = await c.addOrganization()
  owner = await c.addUser({ role: Role.OWNER, organizationId })
  projectId = await c.addProject(undefined, organizationId)
})

const pipelines = (who: TestUser = owner) => c.as(who).client(PipelineService)
const fileOf = (step: string, more = '') => `name: app\n${more}steps:\n  first: { run: "true" }\n  it: ${step}\n`
const apply = (yaml: string, publish = false) => pipelines().applyPipeline({ projectId, yaml, publish })

/** The same from each place that says it; each is a warning at the step. */
async function said(step: string, more = '', as: TestUser = owner): Promise<Problem[]> {
  const { problems, pipeline } = await pipelines(as).applyPipeline({ projectId, yaml: fileOf(step, more) })
  const pipelineId = pipeline!.id
  const all = [
    (await pipelines(as).getPipeline({ pipelineId })).problems,
    (await pipelines(as).validateDraft({ pipelineId })).problems,
    (await pipelines(as).publishPipeline({ pipelineId })).problems,
  ]
  const line = 4 + more.split('\n').length - 1
  for (const each of problems) expect(each).toMatchObject({ stepId: 'it', line, severity: Severity.WARNING })
  for (const each of all) expect(each).toEqual(problems.map((problem) => ({ ...problem, line: 0, column: 0 })))
  return problems
}

const codes = (problems: Problem[]) => problems.map(({ code }) => code)
const texts = (problems: Problem[]) => problems.map(({ message }) => message)
const approval = (given: string) => `{ uses: approval, with: { ${given} } }`

describe('an approval that nobody could give', () => {
  test('by those who are named: no members, or members who only look', async () => {
    const viewer = await c.addUser({ role: Role.VIEWER, organizationId })
    const developer = await c.addUser({ role: Role.DEVELOPER, organizationId })
    const stranger = await c.addUser({ role: Role.OWNER, organizationId: await c.addOrganization() })
    const nobody = await said(approval(`approvers: ["user:${stranger.email}", "user:${viewer.email}"]`))
    expect(texts(nobody)).toEqual([
      `Nobody can decide this: no member of the project who may decide is meant by ${stranger.email}, ${viewer.email}. Give somebody that role under Members of the project, or name others.`,
    ])
    expect(problemText(nobody[0]!, 'zh-CN')).toBe(
      `没有人能审批：项目中没有可审批的成员属于 ${stranger.email}, ${viewer.email}。请在项目的“成员”中授予该角色，或改写审批人。`,
    )
    const some = `"user:${developer.email}", "user:${stranger.email}", "user:${viewer.email}"`
    const beside = await said(approval(`approvers: [${some}]`))
    expect(beside.map(({ code, params }) => [code, params.who, params.viewer])).toEqual([
      ['approval_unable', stranger.email, undefined],
      ['approval_unable', viewer.email, 'true'],
    ])
    expect(await said(approval(`approvers: ["user:${developer.email}"]`))).toEqual([])
  })

  test('by too few, with their names', async () => {
    const maintainer = await c.addUser({ role: Role.MAINTAINER, organizationId })
    await c.addUser({ role: Role.DEVELOPER, organizationId })
    const [few, ...others] = await said(approval('approvers: ["role:maintainer"], required: 3'))
    expect([few!.code, few!.params.count, others]).toEqual(['approval_too_few', '2', []])
    expect(few!.params.people!.split(', ').sort()).toEqual(
      [maintainer.email.slice(0, 8), owner.email.slice(0, 8)].sort(),
    )
    // Two are enough, whoever else starts the run; not when one of the two does.
    expect(codes(await said(approval('approvers: ["role:maintainer"], required: 2')))).toEqual(['approval_own'])
    expect(await said(approval('approvers: ["role:maintainer"], required: 2, selfApproval: true'))).toEqual([])
  })

  test('because whoever starts a run does not decide it, and nobody else is there', async () => {
    const given = approval('approvers: ["role:maintainer"]')
    const [alone] = await said(given)
    expect(alone!.message).toMatch(/^Who starts a run does not decide its approvals, .* Set selfApproval to true/)
    expect(codes(await said(approval('approvers: ["role:maintainer"], selfApproval: true')))).toEqual([])
    // Runs that nobody starts keep nobody from deciding; those that the owner starts do.
    expect(codes(await said(given, 'on: { schedule: "0 3 * * *" }\n'))).toEqual(['approval_own'])
    const developer = await c.addUser({ role: Role.DEVELOPER, organizationId })
    expect(codes(await said(given))).toEqual(['approval_own'])
    expect(await said(given, '', developer)).toEqual([])
    await c.addUser({ role: Role.MAINTAINER, organizationId })
    expect(await said(given)).toEqual([])
  })

  test('is not judged where an expression says by whom, nor where the step is off', async () => {
    const inputs = 'inputs: { who: { type: string } }\n'
    expect(await said(approval('approvers: ["user:${{ inputs.who }}"]'), inputs)).toEqual([])
    expect(await said('{ uses: approval, disabled: true, with: { approvers: ["role:owner"] } }')).toEqual([])
  })
})

test('a secret that the project does not have is named once, and where to add it', async () => {
  const step = '{ run: ./ship, secrets: [NPM_TOKEN, OTHER] }'
  const secrets = c.as(owner).client(SecretService)
  await secrets.putSecret({ projectId, name: 'OTHER', value: 'hush' })
  const elsewhere = await c.addProject(undefined, organizationId)
  await secrets.putSecret({ projectId: elsewhere, name: 'NPM_TOKEN', value: 'hush' })
  const [absent, ...others] = await said(step)
  expect([absent!.message, absent!.field, others]).toEqual([
    'The project has no secret NPM_TOKEN, so the step would fail. Add it under Secrets of the project.',
    'secrets',
    [],
  ])
  await secrets.putSecret({ projectId, name: 'NPM_TOKEN', value: 'hush' })
  expect(await said(step)).toEqual([])
})

describe('a step that runs another pipeline', () => {
  const callee = `name: deploy
inputs:
  version: { type: string, required: true }
  count: { type: number, default: 1 }
  where: { type: choice, options: [eu, us] }
steps: { a: { run: "true" } }
`
  const call = (inputs: string) => `{ uses: pipeline, with: { pipeline: deploy, inputs: { ${inputs} } } }`

  test('hears what the latest version of that one would refuse, with its inputs', async () => {
    await apply(callee)
    expect(texts(await said(call('version: a')))).toEqual([
      'The pipeline "deploy" has no published version yet, so the step would fail. Publish it first.',
    ])
    await apply(callee, true)
    expect(await said(call('version: "${{ run.number }}", count: 3, where: eu'))).toEqual([])
    const wrong = await said(call('versoin: a, count: many, where: "${{ run.id }}"'))
    expect(texts(wrong)).toEqual([
      'Version 1 of the pipeline "deploy" would refuse the input "versoin": The pipeline has no input "versoin". Did you mean "version"? Its inputs are version, count, where.',
      'Version 1 of the pipeline "deploy" would refuse the input "version": This input is required. Its inputs are version, count, where.',
      'Version 1 of the pipeline "deploy" would refuse the input "count": It must be a number, not the text "many". Its inputs are version, count, where.',
    ])
    expect(wrong.map(({ field }) => field)).toEqual(Array(3).fill('with.inputs'))
    expect(problemText(wrong[1]!, 'zh-CN')).toBe(
      '流水线 "deploy" 的第 1 版不会接受参数 "version"：此参数必填。它的参数有：version, count, where。',
    )
    // What is published counts, not the draft.
    await apply(callee.replace('version: {', 'release: {'))
    expect(await said(call('version: a'))).toEqual([])
  })

  test('hears that there is no such pipeline; of one that may not be started nothing else is told', async () => {
    const { problems, pipeline } = await apply(fileOf(call('a: b')))
    expect(problems).toMatchObject([{ code: 'call_missing', severity: Severity.WARNING, line: 4 }])
    const pipelineId = pipeline!.id
    const checked = await pipelines().validateDraft({ pipelineId })
    // It cannot be published so.
    expect(checked.problems).toMatchObject([{ code: 'call_missing', severity: Severity.ERROR, stepId: 'it' }])
    await expect(pipelines().publishPipeline({ pipelineId })).rejects.toThrow('There is no pipeline "deploy"')
    await apply(callee, true)
    const viewer = await c.addUser({ role: Role.VIEWER, organizationId })
    expect(codes((await pipelines(viewer).validateDraft({ pipelineId })).problems)).toEqual(['call_forbidden'])
  })
})

test('who may not read members or secrets elsewhere does not hear of them here', async () => {
  const step = '{ uses: approval, needs: [first], with: { approvers: ["user:nobody@example.test"] } }'
  const more = '  last: { needs: [it], run: x, secrets: [KEY] }\n'
  const { pipeline, problems } = await apply(fileOf(step) + more)
  expect(codes(problems).toSorted()).toEqual(['approval_no_one', 'secret_absent'])
  const heard = async (...scopes: string[]) => {
    const who = await c.addUser({ role: Role.OWNER, organizationId, scopes })
    const { problems: checked } = await pipelines(who).validateDraft({ pipelineId: pipeline!.id })
    const { problems: read } = await pipelines(who).getPipeline({ pipelineId: pipeline!.id })
    expect(codes(read)).toEqual(codes(checked))
    return codes(checked)
  }
  expect(await heard('pipeline.read')).toEqual([])
  expect(await heard('pipeline.read', 'member.read')).toEqual(['approval_no_one'])
  expect(await heard('pipeline.read', 'secret.read')).toEqual(['secret_absent'])
})
