// What the agent does when the controller does not take it, or another process has taken its place.
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { JobPhase } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { status } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { startAgent, temporaryFolder, waitFor } from './agent-process.ts'
import { sh, startBench } from './bench.ts'

test('every hello of a process names the same instance, that of the next another', async () => {
  await using b = await startBench()
  const [first] = b.controller.hellos
  expect(first?.instanceId).toMatch(/^[0-9a-f-]{36}$/)
  b.controller.cut()
  const second = await waitFor('another hello', () => b.controller.hellos[1])
  expect([second.instanceId, second.helloNumber]).toEqual([first?.instanceId, 2])
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  await b.restart()
  const third = await waitFor('a third hello', () => b.controller.hellos[2])
  expect(third.instanceId).not.toBe(first?.instanceId)
  // It has the folder, so that one has ended.
  expect([third.helloNumber, third.formerInstanceIds]).toEqual([1, [first?.instanceId]])
})

test('when another process has taken its place it ends its jobs, says so and does not come back', async () => {
  await using b = await startBench()
  const pidFile = join(b.data, 'step.pid')
  const job = b.controller.offer('job-1', sh(`echo $$ > ${pidFile}; exec sleep 600`))
  await waitFor('the step runs', () => job.started.length > 0 && existsSync(pidFile))
  const pid = await waitFor('its pid', () => Number(readFileSync(pidFile, 'utf8')))
  b.controller.behavior.helloError = { code: status.ALREADY_EXISTS, details: 'The identity is used from two places.' }
  b.controller.cut()
  expect(await b.agent.exited).toBe(8)
  expect(b.agent.output()).toContain('The identity is used from two places.')
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
})

test.each([status.INVALID_ARGUMENT, status.FAILED_PRECONDITION])(
  'what it says of itself is refused (%i): that is said, and it ends',
  async (code) => {
    await using b = await startBench()
    b.controller.behavior.helloError = { code, details: 'There are 31 labels; an agent may have 30.' }
    b.controller.cut()
    expect(await b.agent.exited).toBe(2)
    expect(b.agent.output()).toContain('does not take this agent: There are 31 labels')
    expect(b.agent.output()).not.toContain('reached')
  },
)

test('a copy of the data folder has the identity, and none of the jobs', async () => {
  await using b = await startBench()
  using copy = temporaryFolder()
  const job = b.controller.offer('job-1', sh('sleep 600'))
  await waitFor('the step runs', () => job.started.length > 0)
  cpSync(b.data, copy.path, { recursive: true, filter: (path) => !path.endsWith('agent.lock') })
  const before = b.controller.hellos.length
  await using second = startAgent(['run', '--data', copy.path])
  const hello = await waitFor('its hello', () => b.controller.hellos[before])
  expect([hello.jobs, hello.formerInstanceIds]).toEqual([[], []])
  second.child.kill('SIGKILL')
  await second.exited
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  await b.restart()
  const last = await waitFor('the hello of the restarted one', () => b.controller.hellos[before + 1])
  expect(last.jobs).toMatchObject([{ job: { jobId: 'job-1' }, phase: JobPhase.RUNNING }])
})
