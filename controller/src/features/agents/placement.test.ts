// A step that becomes ready goes to a free agent within the commit that made it ready, unless something else goes first.

import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { JobStatus, RunService, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { type ManualClock, manualClock } from '../../platform/clock.ts'
import type { StatementTap } from '../../platform/statement-tap.ts'
import { type FakeAgent, type FakeControl, registerFakeAgent } from './test/fake-agent.ts'

let c: TestController
let agent: FakeAgent
let control: FakeControl
let commits = 0
/** Of the line of jobs that wait. */
let reads = 0
const tap: StatementTap = (sql, run) => {
  if (/^commit\b/i.test(sql)) commits++
  if (/^select .*workspace_pin.*order by/is.test(sql)) reads++
  return run()
}

beforeEach(() => open())
afterEach(close)

async function open(overrides: { clock?: ManualClock } = {}): Promise<void> {
  c = await startController({ overrides: { ...overrides, statementTap: tap } })
  agent = await register()
  control = agent.control()
}

async function close(): Promise<void> {
  control.cut()
  agent.close()
  await c[Symbol.asyncDispose]()
}

const owner = () => c.as(c.owner)

async function register(labels: string[] = []): Promise<FakeAgent> {
  const { token } = await owner().client(AgentService).createRegistrationToken({ labels })
  return registerFakeAgent(c.grpcAddress, token)
}

async function start(steps: string, projectId?: string): Promise<string> {
  const yaml = `name: p\nsteps:\n${steps}`
  const of = projectId ?? (await c.addProject())
  const { pipeline } = await owner().client(PipelineService).applyPipeline({ projectId: of, yaml, publish: true })
  return (await owner().client(RunService).startRun({ pipelineId: pipeline!.id })).run!.id
}

async function stepsOf(runId: string) {
  const { run } = await owner().client(RunService).getRun({ runId })
  return Object.fromEntries(run!.steps.map((step) => [step.id, step]))
}

const chain = (length: number) =>
  Array.from({ length }, (_, i) => `  s${i}: { run: "true"${i > 0 ? `, needs: [s${i - 1}]` : ''} }\n`).join('')

/** The dispatcher has seen that nothing waits. */
async function settled(): Promise<void> {
  await start('  first: { run: "true" }\n')
  await control.succeed((await control.take()).job)
}

test('a step of a chain takes two commits: one that it is accepted, one that it ends and the next is offered', async () => {
  await control.hello({ slots: 1 })
  await settled()
  const before = commits
  const runId = await start(chain(20))
  for (let i = 0; i < 20; i++) {
    const { job, stepId } = await control.take()
    expect(stepId).toBe(`s${i}`)
    control.say({ case: 'started', value: { job } })
    await control.succeed(job)
  }
  expect((await stepsOf(runId)).s19?.status).toBe(StepStatus.SUCCEEDED)
  // Beside the pipeline's and the run's own, a few for loops that came by.
  expect(commits - before).toBeLessThan(2 * 20 + 12)
})

test('to an agent that starts at the offer, the step of a chain is one commit and one message', async () => {
  await control.hello({ slots: 1, startsOffers: true })
  await settled()
  const before = commits
  await start(chain(20))
  for (let i = 0; i < 20; i++) {
    const { job, spec, start } = await control.hear('offer')
    expect([spec?.stepId, start]).toEqual([`s${i}`, true])
    await control.succeed(job!)
  }
  expect(control.heard.filter((message) => message.case === 'start')).toEqual([])
  expect(commits - before).toBeLessThan(20 + 12)
})

test('the commit of the last need also claims a step with secrets, a workspace of its own or a retry', async () => {
  // No loop comes by meanwhile.
  await close()
  await open({ clock: manualClock() })
  await control.hello({ slots: 4, startsOffers: true, labels: ['linux'] })
  await settled()
  const projectId = await c.addProject()
  await owner().client(SecretService).putSecret({ projectId, name: 'TOKEN', value: 'a value' })
  await start(
    [
      '  a: { run: "true" }',
      '  b: { run: "true" }',
      '  secret: { run: "true", needs: [a, b], secrets: [TOKEN] }',
      '  own: { run: "true", needs: [secret], workspace: own, runsOn: [linux] }',
      '  isolated: { run: "true", needs: [own], workspace: isolated, retry: { max: 1 } }\n',
    ].join('\n'),
    projectId,
  )
  const [a, b] = [await control.take(), await control.take()]
  await control.succeed(a.job)
  let last = b.job
  for (const [stepId, outcome] of [
    ['secret', Outcome.SUCCEEDED],
    ['own', Outcome.SUCCEEDED],
    ['isolated', Outcome.SUCCEEDED],
    ['isolated', Outcome.FAILED],
  ] as const) {
    const before = commits
    control.say({ case: 'finished', value: { job: last, outcome, exitCode: 1 } })
    const next = await control.take()
    expect([next.stepId, commits - before]).toEqual([stepId, 1])
    expect(next.secrets.map(({ name }) => name)).toEqual(stepId === 'secret' ? ['TOKEN'] : [])
    last = next.job
  }
})

test('a slot that is free again gets what waits within the commit of the end before', async () => {
  await control.hello({ slots: 1, startsOffers: true })
  await settled()
  await start(Array.from({ length: 30 }, (_, i) => `  s${i}: { run: "true" }\n`).join(''))
  let { job } = await control.take()
  const before = commits
  for (let i = 1; i < 30; i++) {
    control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED } })
    ;({ job } = await control.take())
  }
  // Beside the ends, a few for why the others wait, and for loops that came by.
  expect(commits - before).toBeLessThan(30 + 15)
})

test('a job that has waited longer goes first, then the chain goes on', async () => {
  await control.hello({ slots: 1 })
  await settled()
  const first = await start(chain(2))
  const { job } = await control.take()
  const second = await start('  other: { run: "true" }\n')
  await waitFor(async () => (await stepsOf(second)).other?.reasonInfo?.code === 'agents_busy')
  await control.succeed(job)
  const next = await control.take()
  expect(next.stepId).toBe('other')
  expect((await stepsOf(first)).s1?.status).toBe(StepStatus.QUEUED)
  await control.succeed(next.job)
  const last = await control.take()
  expect(last.stepId).toBe('s1')
  await control.succeed(last.job)
})

test('a label that protects by then counts for what becomes ready', async () => {
  await control.hello({ slots: 1, labels: ['production'] })
  await settled()
  const steps = '  a: { run: "true" }\n  b: { run: "true", needs: [a], workspace: isolated, runsOn: [production] }\n'
  const runId = await start(steps)
  const { job } = await control.take()
  const other = await register(['production'])
  const its = other.control()
  try {
    await control.succeed(job)
    await waitFor(async () => (await stepsOf(runId)).b?.reasonInfo?.code === 'labels_missing')
    await its.hello({ slots: 1 })
    const { job: b } = await its.take()
    expect(b.epoch).toBe(1)
    await its.succeed(b)
  } finally {
    its.cut()
    other.close()
  }
})

test('an agent that is drained by then gets nothing of what becomes ready', async () => {
  await control.hello({ slots: 1 })
  await settled()
  const runId = await start(chain(2))
  const { job } = await control.take()
  await owner().client(AgentService).drainAgent({ agentId: agent.id, drain: true })
  await control.hear('drain')
  await control.succeed(job)
  await waitFor(async () => (await stepsOf(runId)).s1?.reasonInfo?.code === 'workspace_draining')
  expect((await stepsOf(runId)).s1?.attempts[0]).toMatchObject({ status: JobStatus.QUEUED, agentId: '' })
})

test('of several jobs that become ready at once as many go as there are free slots', async () => {
  await control.hello({ slots: 3 })
  await settled()
  const steps = ['b', 'c', 'd', 'e'].map((id) => `  ${id}: { run: "true", needs: [a] }\n`).join('')
  const runId = await start(`  a: { run: "true" }\n${steps}`)
  await control.succeed((await control.take()).job)
  const taken = [await control.take(), await control.take(), await control.take()]
  expect(taken.map(({ stepId }) => stepId).sort()).toEqual(['b', 'c', 'd'])
  const { e } = await stepsOf(runId)
  expect(e?.attempts[0]).toMatchObject({ status: JobStatus.QUEUED, agentId: '' })
  for (const { job } of taken) await control.succeed(job)
  const last = await control.take()
  expect(last.stepId).toBe('e')
  await control.succeed(last.job)
})

test('jobs that fit nobody, however many, keep nothing waiting that stands behind them', async () => {
  await control.hello({ slots: 1 })
  const stuck = Array.from({ length: 600 }, (_, i) => `  s${i}: { run: "true", runsOn: [nowhere] }\n`).join('')
  await start(stuck)
  const runId = await start('  other: { run: "true" }\n')
  const { job, stepId } = await control.take()
  expect(stepId).toBe('other')
  await control.succeed(job)
  await waitFor(async () => (await stepsOf(runId)).other?.status === StepStatus.SUCCEEDED)
})

test('what waits is read once, not for every slot that is free again', async () => {
  await close()
  // Time stands still, and with it the loop that looks for what was not told, and what says why jobs wait.
  await open({ clock: manualClock() })
  await control.hello({ slots: 2 })
  await settled()
  const runId = await start(Array.from({ length: 60 }, (_, i) => `  s${i}: { run: "true" }\n`).join(''))
  const before = reads
  for (let done = 0; done < 60; done++) await control.succeed((await control.take()).job)
  await waitFor(async () => (await stepsOf(runId)).s59?.status === StepStatus.SUCCEEDED)
  expect(reads - before).toBeLessThan(5)
})
