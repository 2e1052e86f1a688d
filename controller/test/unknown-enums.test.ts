// Values of enums that this controller does not know, from whoever is newer than it: refused at the API's doors, and of agents
// taken with a meaning. The fields are found in the contract, so that a new one is here before it is in use.
import { AgentLinkService, JobPhase, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { AnnotationLevel, TestResult } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { type RunStep, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { DescMessage, JsonObject } from '@bufbuild/protobuf'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AgentWorld } from '../src/features/agents/test/agent-world.ts'
import { callGrpc, callHttp } from './call-any.ts'
import { everyService } from './every-service.ts'

const unknown = 9999
let world: AgentWorld
beforeEach(async () => {
  world = await AgentWorld.start()
})
afterEach(() => world[Symbol.asyncDispose]())

/** The path of every enum in a message, with a request that has the unknown value there and nothing else. */
function enumsIn(schema: DescMessage, inside: string[] = []): { path: string; request: JsonObject }[] {
  if (inside.includes(schema.typeName) || schema.typeName.startsWith('google.protobuf.')) return []
  return schema.fields.flatMap((field) => {
    const wrap = (value: JsonObject | number): JsonObject => ({
      [field.jsonName]: field.fieldKind === 'list' ? [value] : value,
    })
    if (field.enum) return [{ path: field.name, request: wrap(unknown) }]
    if (!field.message || field.fieldKind === 'map') return []
    return enumsIn(field.message, [...inside, schema.typeName]).map(({ path, request }) => ({
      path: `${field.name}.${path}`,
      request: wrap(request),
    }))
  })
}

test('in every request of the API, on both doors', async () => {
  const c = world.controller
  const tried: string[] = []
  for (const service of await everyService()) {
    if (service.typeName === AgentLinkService.typeName) continue
    for (const method of service.methods) {
      for (const { path, request } of enumsIn(method.input)) {
        for (const call of [callHttp, callGrpc]) {
          const ending = await call(c, method, request, c.owner.token)
          expect(ending, `${method.name} ${path}`).toMatchObject({ code: 'invalid_argument', reason: 'unknown_value' })
          expect(ending.message).toContain(path)
        }
        tried.push(path)
      }
    }
  }
  expect(tried.length).toBeGreaterThan(3)
})

/** What a newer agent may say, and how the step is then. */
const ofAgents: Record<string, () => Promise<{ status: StepStatus; reason: string }>> = {
  'finished.outcome': async () => {
    const { control, job, runId } = await running()
    control.say({ case: 'finished', value: { job, outcome: unknown as Outcome, exitCode: 0, reason: 'new' } })
    await control.hear('finishedAck')
    return world.untilStep(runId, 'a', StepStatus.FAILED)
  },
  'hello.jobs.finished.outcome': async () => {
    const { agent, control, job, runId } = await running()
    control.cut()
    const again = agent.control()
    const finished = { job, outcome: unknown as Outcome }
    await again.hello({ jobs: [{ job, phase: JobPhase.FINISHED, finished }] })
    await again.hear('finishedAck')
    return world.untilStep(runId, 'a', StepStatus.FAILED)
  },
  // It is for people: they see it, as a notice.
  'finished.annotations.level': async () => {
    const { control, job, runId } = await running()
    const annotations = [{ level: unknown as AnnotationLevel, message: 'new' }]
    control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0, annotations } })
    return isNotice(await world.untilStep(runId, 'a', StepStatus.SUCCEEDED))
  },
  'hello.jobs.finished.annotations.level': async () => {
    const { agent, control, job, runId } = await running()
    control.cut()
    const annotations = [{ level: unknown as AnnotationLevel, message: 'new' }]
    const finished = { job, outcome: Outcome.SUCCEEDED, exitCode: 0, annotations }
    await agent.control().hello({ jobs: [{ job, phase: JobPhase.FINISHED, finished }] })
    return isNotice(await world.untilStep(runId, 'a', StepStatus.SUCCEEDED))
  },
  // They are counted, and not listed.
  'finished.reports.blocks.result': async () => {
    const { control, job, runId } = await running()
    control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0, reports: newReports } })
    return hasTests(await world.untilStep(runId, 'a', StepStatus.SUCCEEDED))
  },
  'hello.jobs.finished.reports.blocks.result': async () => {
    const { agent, control, job, runId } = await running()
    control.cut()
    const finished = { job, outcome: Outcome.SUCCEEDED, exitCode: 0, reports: newReports }
    await agent.control().hello({ jobs: [{ job, phase: JobPhase.FINISHED, finished }] })
    return hasTests(await world.untilStep(runId, 'a', StepStatus.SUCCEEDED))
  },
  // The agent has the job, in whatever state: it goes on.
  'hello.jobs.phase': async () => {
    const { agent, control, job, runId } = await running()
    control.cut()
    const again = agent.control()
    await again.hello({ jobs: [{ job, phase: unknown as JobPhase }] })
    await again.hear('start')
    await again.succeed(job)
    return world.untilStep(runId, 'a', StepStatus.SUCCEEDED)
  },
}

const newReports = { tests: { passed: 2 }, blocks: [{ result: unknown as TestResult, count: 2, packed: Buffer.of(1) }] }

function hasTests(step: RunStep): RunStep {
  expect(step.attempts.at(-1)!.report).toMatchObject({ tests: 2, failedTests: 0 })
  return step
}

function isNotice(step: RunStep): RunStep {
  expect(step.attempts.at(-1)!.report).toMatchObject({ errors: 0, warnings: 0, notices: 1 })
  return step
}

async function running() {
  const agent = await world.register()
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'a' }])
  const { job } = await control.take()
  return { agent, control, job, runId }
}

test('every enum an agent says is tried', () => {
  const { control, logs } = AgentLinkService.method
  const paths = [control.input, logs.input].flatMap((schema) => enumsIn(schema).map(({ path }) => path))
  expect(paths.sort()).toEqual(Object.keys(ofAgents).sort())
})

test.each(Object.entries(ofAgents))('an agent says it in %s', async (_path, say) => {
  const step = await say()
  if (step.status === StepStatus.FAILED) expect(step.reason).toContain('does not know (9999)')
  else expect(step.status).toBe(StepStatus.SUCCEEDED)
})
