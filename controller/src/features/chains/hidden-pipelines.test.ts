// Of a pipeline that somebody may not see, they hear what they would hear if there were none: when they publish, when a draft is
// looked at, when a run finds the name, and in what leads around in a circle.
import { Role } from '@ansflow/proto/access'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { problemText } from '@ansflow/proto/problem-text'
import { isTerminal } from '@ansflow/proto/status'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startController, type TestController, type TestUser } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'

let c: TestController
let here: string
let there: string
let elsewhere: string
let by: TestUser
beforeAll(async () => {
  c = await startController()
})
afterAll(() => c[Symbol.asyncDispose]())
beforeEach(async () => {
  here = await c.addProject()
  there = await c.addProject()
  elsewhere = (await c.as(c.owner).client(ProjectService).getProject({ projectId: there })).project!.slug
  by = await c.addUser({ role: Role.MAINTAINER, projectId: here })
  await publish('hidden', done, { into: there, as: c.owner })
})

const done = '{ uses: wait, with: { until: "2020-01-01T00:00:00Z" } }'
const call = (pipeline: string) => `{ uses: pipeline, with: { pipeline: "${pipeline}" } }`

async function publish(name: string, step: string, { more = '', as = by, into = here } = {}): Promise<string> {
  const yaml = `name: ${name}\n${more}steps:\n  it: ${step}\n`
  const { pipeline } = await c.as(as).client(PipelineService).applyPipeline({ projectId: into, yaml, publish: true })
  return pipeline!.id
}

async function letThem(roleId: 'viewer' | 'developer', projectId = there): Promise<void> {
  await c.as(c.owner).client(MemberService).inviteProjectMember({ projectId, email: by.email, roleId })
}

const refusal = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'published',
    (error: Error) => error.message,
  )
/** The same but for the name. */
const nameless = (said: unknown) => String(said).replaceAll(/hidden|nowhere/g, 'NAME')

test.each([
  ['a step that runs it', (name: string) => ({ step: call(name) }), 'may not start the pipeline'],
  ['its runs', (name: string) => ({ step: done, more: `on: { run: ${name} }\n` }), 'published'],
] as const)('publishing %s', async (_what, of, told) => {
  const saidOf = (name: string) => {
    const { step, more = '' } = { more: '', ...of(`${elsewhere}/${name}`) }
    return refusal(publish('near', step, { more }))
  }
  const said = await saidOf('hidden')
  expect(said).toContain('There is no pipeline')
  expect(nameless(said)).toBe(nameless(await saidOf('nowhere')))
  await letThem('viewer')
  expect(await saidOf('hidden')).toContain(told)
  expect(await saidOf('nowhere')).toContain('There is no pipeline')
})

test('looking at a draft, in both languages', async () => {
  const heard = async (name: string) => {
    const yaml = `name: near\nsteps:\n  it: ${call(`${elsewhere}/${name}`)}\n`
    const { problems, pipeline } = await c.as(by).client(PipelineService).applyPipeline({ projectId: here, yaml })
    const checked = await c.as(by).client(PipelineService).validateDraft({ pipelineId: pipeline!.id })
    return [...problems, ...checked.problems].map((one) =>
      nameless(`${one.code} ${one.message} ${problemText(one, 'zh-CN')}`),
    )
  }
  const said = await heard('hidden')
  expect(said[0]).toContain('call_missing')
  expect(said).toEqual(await heard('nowhere'))
  await letThem('viewer')
  expect((await heard('hidden'))[0]).toContain('call_forbidden')
})

test('a run that finds the name', async () => {
  const more = 'inputs: { name: { type: string } }\n'
  const pipelineId = await publish('near', call('${{ inputs.name }}'), { more })
  const runs = c.as(by).client(RunService)
  const reasonOf = async (name: string) => {
    const { run } = await runs.startRun({ pipelineId, inputs: { name: `${elsewhere}/${name}` } })
    return waitFor(async () => {
      const { run: now } = await runs.getRun({ runId: run!.id })
      return isTerminal(now!.status) ? now!.steps[0]!.reason : undefined
    })
  }
  const said = await reasonOf('hidden')
  expect(said).toContain('There is no pipeline')
  expect(nameless(said)).toBe(nameless(await reasonOf('nowhere')))
  await letThem('viewer')
  expect(await reasonOf('hidden')).toContain('may not start')
})

test('a circle that leads through it', async () => {
  const seen = await c.addProject()
  const { project } = await c.as(c.owner).client(ProjectService).getProject({ projectId: seen })
  const home = await c.as(c.owner).client(ProjectService).getProject({ projectId: here })
  await publish('near', done)
  await publish('hidden', call(`${home.project!.slug}/near`), { into: there, as: c.owner })
  await publish('seen', call(`${elsewhere}/hidden`), { into: seen, as: c.owner })
  await letThem('developer', seen)
  const around = call(`${project!.slug}/seen`)
  expect(await refusal(publish('near', around))).toContain('near → seen → … → near.')
  expect(await refusal(publish('near', around, { as: c.owner }))).toContain('near → seen → hidden → near.')
})
