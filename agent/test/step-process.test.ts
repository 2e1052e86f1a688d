// What a script may do to its own process, its parents and its output, as everywhere else.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTimeOf } from '../src/process/process-table.ts'
import { waitFor } from './agent-process.ts'
import { alive, type Bench, done, jobIdOf, sh, startBench } from './bench.ts'
import { Outcome } from './fake-controller.ts'

let b: Bench
beforeAll(async () => {
  b = await startBench()
})
afterAll(() => b[Symbol.asyncDispose]())

let jobs = 0
const newId = () => jobIdOf(`process-${++jobs}`)

test.each([
  ['stderr by name', 'echo a; echo x > /dev/stderr; echo b', 'a\nx\nb\n'],
  ['stdout by name', 'echo a; echo x > /dev/stdout; echo b >> /dev/stdout; echo c > /proc/self/fd/1', 'a\nx\nb\nc\n'],
  ['tee', 'echo a; echo x | tee /dev/stderr; echo b', 'a\nx\nx\nb\n'],
  ['dd, which cuts its output file', 'echo a; echo x | dd of=/dev/stdout 2>/dev/null; echo b', 'a\nx\nb\n'],
  ['it is a pipe', '[ -p /dev/stdout ] && [ -p /dev/stderr ] && echo pipe', 'pipe\n'],
  ['no end of line', 'printf a; printf b > /dev/stdout', 'ab'],
  ['bytes that are no text', "printf '\\0\\377\\n\\0'", '\0\u{fffd}\n\0'],
])('output: %s', async (_name, script, expected) => {
  const job = b.controller.offer(newId(), sh(script))
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(job.log.toString()).toBe(expected)
})

test.each([
  ['its group', 'kill -KILL 0', 137, 'ended by SIGKILL'],
  ['its parent', 'kill -9 $PPID; sleep 300', 137, 'ended by SIGKILL'],
  ['itself', 'kill -9 $$', 137, 'ended by SIGKILL'],
  ['its group, with TERM', 'kill 0', 143, 'ended by SIGTERM'],
  ['its group, with INT', 'kill -INT 0; sleep 300', 130, 'ended by SIGINT'],
])('a script that kills %s has failed of that', async (_name, script, exitCode, reason) => {
  const job = b.controller.offer(newId(), sh(`echo before; ${script}`))
  expect(await done(job)).toMatchObject({ outcome: Outcome.FAILED, exitCode, reason, reasonCode: 'signal' })
  expect(job.log.toString()).toBe('before\n')
  await waitFor('nothing is left', () => alive(job.ref.jobId).length === 0)
})

test('signals that may be handled can be', async () => {
  const job = b.controller.offer(
    newId(),
    sh('for s in INT QUIT HUP TERM USR1 PIPE; do trap "echo $s" $s; kill -$s $$; done; kill $PPID; echo still here'),
  )
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(job.log.toString()).toBe('INT\nQUIT\nHUP\nTERM\nUSR1\nPIPE\nstill here\n')
})

test('what is left in the background with the output open does not hold the end, and loses nothing of before', async () => {
  const job = b.controller.offer(
    newId(),
    sh('(trap "" TERM; while :; do sleep 0.05; done) & head -c 3000000 /dev/zero | tr "\\0" x; echo end'),
  )
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(job.log.toString().replaceAll('x', '')).toBe('end\n')
  expect(job.log.length).toBe(3_000_004)
  await waitFor('nothing is left', () => alive(job.ref.jobId).length === 0)
})

test('the last bytes are there, whatever the end looks like', async () => {
  for (let i = 0; i < 40; i += 4) {
    const four = [i, i + 1, i + 2, i + 3].map((n) => ({
      n,
      job: b.controller.offer(newId(), sh(`head -c ${n * 5000} /dev/zero | tr "\\0" x; printf end; exit ${n}`)),
    }))
    for (const { n, job } of four) {
      expect((await done(job)).exitCode).toBe(n)
      expect(job.log.length).toBe(n * 5000 + 3)
    }
  }
})

test('a canceled step may still say something, and all of it comes', async () => {
  const job = b.controller.offer(
    newId(),
    sh(
      "trap 'i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo $i; done; exit 3' TERM; echo up; while :; do sleep 0.05; done",
      { cancelGraceMs: 10_000 },
    ),
  )
  await waitFor('it is up', () => job.log.length > 0)
  b.controller.cancel(job.ref.jobId)
  expect(await done(job)).toMatchObject({ outcome: Outcome.CANCELED, exitCode: 3 })
  expect(job.log.toString()).toContain('\n1\n2\n')
  expect(job.log.toString()).toMatch(/\n5000\n$/)
})

test('the file that the step is started from is empty before the step begins, also when the agent is killed then', async () => {
  await using b = await startBench()
  const start = join(b.data, 'jobs', jobIdOf('start'), 'start')
  const job = b.controller.offer(
    jobIdOf('start'),
    sh(`kill -9 $AGENT; cat '${start}' 2>/dev/null | wc -c; sleep 300`),
    [{ name: 'AGENT', value: String(b.agent.child.pid), env: true }],
  )
  await b.agent.exited
  const [pid] = await waitFor('the step goes on', () => alive(job.ref.jobId))
  const raw = join(b.data, 'jobs', job.ref.jobId, 'raw')
  // The step may be there before its output's file is.
  const printed = await waitFor('it has printed', () => existsSync(raw) && readFileSync(raw, 'utf8'))
  expect(printed).toBe('0\n')
  expect(startTimeOf(pid!)).not.toBe('')
  await b.restart()
  b.controller.cancel(job.ref.jobId)
  expect(await done(job)).toMatchObject({ outcome: Outcome.CANCELED })
})
