import { expect, test } from 'vitest'
import { startAgent, temporaryFolder, waitFor } from './agent-process.ts'
import { Outcome, startFakeController } from './fake-controller.ts'

const sh = (script: string, more: object = {}) => ({
  execution: { case: 'shell' as const, value: { shell: 'sh', script } },
  ...more,
})

test('runs a step, ships its log, reports its end once', async () => {
  using data = temporaryFolder()
  await using controller = await startFakeController()
  await using agent = startAgent(['run', '--url', controller.address, '--data', data.path], {
    ANSFLOW_AGENT_TOKEN: 'good-token',
  })
  await waitFor('hello', () => controller.hellos.length > 0).catch((e) => {
    throw new Error(e.message + agent.output())
  })
  const job = controller.offer('job-1', sh('echo hello; echo oops >&2; exit 3'))
  const finished = await waitFor('finished', () => job.finished[0]).catch((e) => {
    throw new Error(e.message + agent.output())
  })
  await waitFor('log', () => job.logComplete)
  expect(job.log.toString()).toBe('hello\noops\n')
  expect(finished).toMatchObject({
    outcome: Outcome.FAILED,
    exitCode: 3,
    reason: 'exit code 3',
    reasonCode: 'exit_code',
  })
})
