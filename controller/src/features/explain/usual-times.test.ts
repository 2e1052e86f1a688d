// How long steps usually take is told from the last runs that have ended, and which steps ran in the last one.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { ExplainService } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { startController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { manualClock } from '../../platform/clock.ts'
import { registerFakeAgent } from '../agents/test/fake-agent.ts'
import { usualTimes } from './usual-times.ts'

test('medians of runs that have ended, without those in which a step failed, and what ran last', async () => {
  const clock = manualClock()
  await using c = await startController({ overrides: { clock } })
  const runs = c.as(c.owner).client(RunService)
  const { token } = await c.as(c.owner).client(AgentService).createRegistrationToken({})
  const agent = await registerFakeAgent(c.grpcAddress, token)
  const control = agent.control()
  await control.hello({ slots: 4 })
  const projectId = await c.addProject()
  const yaml = `name: usual
inputs: { more: { type: boolean, default: false } }
steps:
  a: { run: "true" }
  b: { needs: [a], when: inputs.more, run: "true" }
`
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const pipelineId = pipeline!.id
  const ask = () => c.as(c.owner).client(ExplainService).getUsualTimes({ pipelineId })
  expect(await ask()).toMatchObject({ runs: 0, times: [] })

  const go = async (seconds: number, more = false, outcome = Outcome.SUCCEEDED) => {
    const runId = (await runs.startRun({ pipelineId, inputs: { more } })).run!.id
    for (const _ of more ? ['a', 'b'] : ['a']) {
      const { job } = await control.take()
      control.say({ case: 'started', value: { job } })
      await waitFor(async () =>
        (await runs.getRun({ runId })).run?.steps.some((step) => step.startedAt && !step.finishedAt),
      )
      await clock.advance(seconds * 1000)
      control.say({ case: 'finished', value: { job, outcome, exitCode: outcome === Outcome.SUCCEEDED ? 0 : 1 } })
    }
    await waitFor(async () => isTerminal((await runs.getRun({ runId })).run!.status))
    return runId
  }
  await go(4, true)
  await go(8)
  await go(30)
  const lastId = await go(900, false, Outcome.FAILED)
  // It goes on still.
  await runs.startRun({ pipelineId })

  const { runs: looked, times, last } = await ask()
  expect(looked).toBe(4)
  expect(last).toMatchObject({ runId: lastId, number: 4, ran: ['a'] })
  const seconds = times.map(({ stepId, medianMs, p95Ms, runs: of }) => [
    stepId,
    Math.floor(medianMs / 1000),
    Math.floor(p95Ms / 1000),
    of,
  ])
  expect(seconds.sort()).toEqual([
    ['a', 8, 30, 3],
    ['b', 4, 4, 1],
  ])
  control.cut()
  agent.close()
})

test('the median is one that a run had', () => {
  const times = new Map([
    ['one', [7]],
    ['even', [4, 1, 3, 2]],
    ['many', Array.from({ length: 100 }, (_, i) => i + 1)],
  ])
  const found = usualTimes({ runs: 100, times, last: undefined })
  expect(found.times.map(({ stepId, medianMs, p95Ms }) => [stepId, medianMs, p95Ms])).toEqual([
    ['one', 7, 7],
    ['even', 2, 4],
    ['many', 50, 95],
  ])
  expect(found.times.find(({ stepId }) => stepId === 'even')?.tookMs).toEqual([1, 2, 3, 4])
})
