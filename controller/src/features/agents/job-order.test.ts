// Which of the jobs that wait goes first: by priority, then fair between projects, however many one of them has before the others.
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { registerFakeAgent } from './test/fake-agent.ts'
import { page } from './waiting-line.ts'

let c: TestController
beforeEach(async () => {
  c = await startController()
})
afterEach(() => c[Symbol.asyncDispose]())

const owner = () => c.as(c.owner)

async function start(projectId: string, yaml: string, priority?: number) {
  const { pipeline } = await owner().client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const { run } = await owner()
    .client(RunService)
    .startRun({ pipelineId: pipeline!.id, ...(priority !== undefined && { priority }) })
  return run!
}

test('no more jobs of a project go to agents than its limit, which others get past, and which may change', async () => {
  const limited = await c.addProject()
  const other = await c.addProject()
  const projects = owner().client(ProjectService)
  const { project } = await projects.updateProject({ projectId: limited, jobLimit: 2 })
  expect(project?.jobLimit).toBe(2)
  const tooMany = projects.updateProject({ projectId: limited, jobLimit: 10_001 })
  await expect(tooMany).rejects.toMatchObject({ code: 3 })
  const { token } = await owner().client(AgentService).createRegistrationToken({})
  const agent = await registerFakeAgent(c.grpcAddress, token)
  const control = agent.control()
  await control.hello({ slots: 5 })

  const steps = Array.from({ length: 6 }, (_, n) => `  s${n}: { run: "true" }\n`).join('')
  const many = await start(limited, `name: many\nsteps:\n${steps}`)
  const first = [await control.take(), await control.take()]
  const few = await start(other, 'name: few\nsteps: { few: { run: "true" } }\n')
  const foreign = await control.take()
  expect(foreign.stepId).toBe('few')
  const waiting = async () => {
    const { run } = await owner().client(RunService).getRun({ runId: many.id })
    return run!.steps.filter(({ reason }) => reason === why).length
  }
  const why = 'Waits for another job of the project to end: at most 2 run at once, as its settings say.'
  await waitFor(async () => (await waiting()) === 4)
  const { runs } = await owner().client(RunService).listRuns({ projectId: limited })
  expect(runs.map(({ reason, reasonInfo }) => [reason, reasonInfo?.code])).toEqual([[why, 'project_limit']])
  expect(control.heard.some((message) => message.case === 'offer')).toBe(false)

  await control.succeed(first[0]!.job)
  const third = await control.take()
  await projects.updateProject({ projectId: limited, jobLimit: 3 })
  const fourth = await control.take()
  await projects.updateProject({ projectId: limited, jobLimit: 0 })
  const fifth = await control.take()
  for (const { job } of [first[1]!, third, fourth, fifth, foreign]) await control.succeed(job)
  await control.succeed((await control.take()).job)
  for (const { id } of [many, few])
    await waitFor(async () => isTerminal((await owner().client(RunService).getRun({ runId: id })).run!.status))
  control.cut()
  agent.close()
})

test('a higher priority goes first, then the project that has less, though others have waited longer', async () => {
  const large = await c.addProject()
  const small = await c.addProject()
  const many = Array.from({ length: page + 100 }, (_, n) => `  s${n}: { run: "true" }\n`).join('')
  await start(large, `name: many\nsteps:\n${many}`)
  await start(small, 'name: few\nsteps: { few: { run: "true" }, more: { run: "true" } }\n')
  const urgent = await start(large, 'name: urgent\npriority: 5\nsteps: { urgent: { run: "true" } }\n')
  const asked = await start(large, 'name: asked\nsteps: { asked: { run: "true" } }\n', 7)
  expect([urgent.priority, asked.priority]).toEqual([5, 7])
  const { run } = await owner().client(RunService).rerunRun({ runId: asked.id })
  expect(run?.priority).toBe(7)
  const low = owner().client(RunService).startRun({ pipelineId: urgent.pipelineId, priority: -101 })
  await expect(low).rejects.toMatchObject({ code: 3 })

  const { token } = await owner().client(AgentService).createRegistrationToken({})
  const agent = await registerFakeAgent(c.grpcAddress, token)
  const control = agent.control()
  await control.hello({ slots: 6 })
  const order = []
  for (let n = 0; n < 6; n++) order.push((await control.take()).stepId)
  expect(order.slice(0, 5)).toEqual(['asked', 'asked', 'urgent', 'few', 'more'])
  expect(order[5]).toMatch(/^s\d+$/)
  control.cut()
  agent.close()
})
