// What a step may do to the folder of its own job: it is the end of that job, and of nothing else.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { waitFor } from './agent-process.ts'
import { alive, done, jobIdOf, sh, startBench } from './bench.ts'
import { Outcome } from './fake-controller.ts'

const gone = 'rm -rf "$(dirname "$ANSFLOW_OUTPUT")"'

test.each([
  ['ends', `${gone}; echo over`, {}],
  ['goes on until its timeout', `${gone}; trap '' TERM; sleep 300`, { timeoutMs: 700, cancelGraceMs: 100 }],
  ['puts a file in its place', `d=$(dirname "$ANSFLOW_OUTPUT"); rm -rf "$d"; touch "$d"`, {}],
  ['makes folders of its files', `cd "$(dirname "$ANSFLOW_OUTPUT")"; rm -f job start; mkdir job start intent.json`, {}],
])(
  'a step that removes the folder of its job or what is in it, and %s, is over; the agent goes on',
  async (_what, script, more) => {
    await using b = await startBench()
    const { pid } = b.agent.child
    const beside = b.controller.offer(jobIdOf('beside'), sh('echo beside'))
    const job = b.controller.offer(jobIdOf('gone'), sh(script, more))
    const finished = await waitFor('it has finished', () => job.finished[0])
    expect([Outcome.SUCCEEDED, Outcome.LOST, Outcome.TIMED_OUT]).toContain(finished.outcome)
    await waitFor('none of its processes is left', () => alive(job.ref.jobId).length === 0)
    await waitFor('its log is complete', () => job.logComplete)
    expect(await done(beside)).toMatchObject({ outcome: Outcome.SUCCEEDED })
    expect(b.agent.child.pid).toBe(pid)
    expect(b.agent.child.exitCode).toBe(null)
  },
)

test('a timeout or a cancel that cannot be noted ends the step all the same', async () => {
  await using b = await startBench()
  const job = b.controller.offer(
    jobIdOf('unnoted'),
    sh('mkdir "$(dirname "$ANSFLOW_OUTPUT")/intent.json.next"; sleep 300'),
  )
  await waitFor('it runs', () => job.started.length > 0 && alive(job.ref.jobId).length > 1)
  b.controller.cancel(job.ref.jobId)
  expect(await done(job)).toMatchObject({ outcome: Outcome.CANCELED })
})

test.each(['intent.json', 'result.json'])(
  'an agent starts although a crash of the host has emptied %s of a job',
  async (name) => {
    await using b = await startBench()
    const job = b.controller.offer(jobIdOf('emptied'), sh('sleep 300'))
    await waitFor('it runs', () => job.started.length > 0)
    b.agent.child.kill('SIGKILL')
    await b.agent.exited
    writeFileSync(join(b.data, 'jobs', job.ref.jobId, name), '')
    await b.restart()
    const beside = b.controller.offer(jobIdOf('after'), sh('echo after'))
    expect(await done(beside)).toMatchObject({ outcome: Outcome.SUCCEEDED })
    b.controller.cancel(job.ref.jobId)
    await waitFor('it has finished', () => job.finished[0])
    await waitFor('none of its processes is left', () => alive(job.ref.jobId).length === 0)
  },
)
