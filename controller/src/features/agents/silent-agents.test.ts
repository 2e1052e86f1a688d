// What a step says while nobody hears of its agent.
import { JobPhase } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { expect, test } from 'vitest'
import { manualClock } from '../../platform/clock.ts'
import { AgentWorld } from './test/agent-world.ts'

test('since when it is silent and when it is lost, until it is heard again', async () => {
  const clock = manualClock()
  await using world = await AgentWorld.start({ overrides: { clock }, config: { lostAfterMs: 24 * 3_600_000 } })
  const agent = await world.register('vm')
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'a' }, { id: 'other', needs: [{ stepId: 'a' }] }])
  const { job } = await control.take()
  control.say({ case: 'started', value: { job } })
  await world.untilStep(runId, 'a', StepStatus.RUNNING)
  control.say({ case: 'heartbeat', value: {} })
  await control.hear('heartbeatAck')
  const heardAt = clock.now().getTime()
  /** Time passes until the step says so. */
  async function pass(code: string) {
    const said = world.untilReason(runId, 'a', code)
    let is = false
    said.finally(() => (is = true)).catch(() => undefined)
    while (!is) {
      clock.advance(500)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    return said
  }
  const silent = await pass('unreachable')
  expect(silent.status).toBe(StepStatus.RUNNING)
  const since = new Date(heardAt).toISOString()
  const lostAt = new Date(heardAt + world.controller.config.lostAfterMs).toISOString()
  expect(silent.reasonInfo?.params).toEqual({ agent: 'vm', since, lostAt })
  expect(silent.reason).toBe(
    `Agent vm has not been heard of since ${since}. If that stays so, the step is lost at ${lostAt}.`,
  )
  control.say({ case: 'heartbeat', value: {} })
  await control.hear('heartbeatAck')
  expect((await pass('running')).reason).toBe('Runs on agent vm.')
  await pass('unreachable')
  // Or by its next hello, at once.
  const again = agent.control()
  await again.hello({ jobs: [{ job, phase: JobPhase.RUNNING }] })
  await world.untilReason(runId, 'a', 'running')
  await again.succeed(job)
})
