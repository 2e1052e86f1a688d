// Scripts for any program, and how a step stands among the processes of its host.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bench, done, jobIdOf, startBench } from './bench.ts'
import { Outcome } from './fake-controller.ts'

let b: Bench
beforeAll(async () => {
  b = await startBench()
})
afterAll(() => b[Symbol.asyncDispose]())

let jobs = 0
const run = (shell: string, script: string, more: object = {}) =>
  b.controller.offer(jobIdOf(`interpreter-${++jobs}`), {
    execution: { case: 'shell', value: { shell, script } },
    ...more,
  })

test.each([
  [process.execPath, 'console.log(`${process.argv.length} ${6 * 7}`)', '2 42\n'],
  ['perl', 'print join(",", @ARGV), 6 * 7, "\\n";', '42\n'],
  ['perl -w {0} a $HOME *', 'print join(",", @ARGV), "\\n";', 'a,$HOME,*\n'],
  ['  sh   -eu', 'echo "$-" | grep -o u', 'u\n'],
])('%s', async (shell, script, output) => {
  const job = run(shell, script)
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED, exitCode: 0 })
  expect(job.log.toString()).toBe(output)
})

test('a program that is not there is named', async () => {
  expect(await done(run('no-such-program -x', 'x'))).toMatchObject({
    outcome: Outcome.FAILED,
    reason: 'The shell no-such-program is not installed on this host.',
  })
})

test('umask and niceness, each and both', async () => {
  const script = 'umask; nice; touch file; stat -c %a file; rm file; echo "$0" | grep -c script; exit 3'
  const seen = async (more: object) => {
    const job = run('sh', script.replaceAll('; ', '\n').replace('nice', 'nice || true'), more)
    expect(await done(job)).toMatchObject({ outcome: Outcome.FAILED, exitCode: 3 })
    return job.log.toString().split('\n').slice(0, 3)
  }
  const [, before] = await seen({})
  const nicer = (by: number) => String(Math.min(19, Number(before) + by))
  expect(await seen({})).toEqual(['0022', before, '644'])
  expect(await seen({ umask: '077' })).toEqual(['0077', before, '600'])
  expect(await seen({ nice: 5 })).toEqual(['0022', nicer(5), '644'])
  expect(await seen({ umask: '0027', nice: 19 })).toEqual(['0027', nicer(19), '640'])
})

test('a step that stands back is ended like any other', async () => {
  const job = run('sh', 'echo begun; sleep 60', { umask: '077', nice: 1, timeoutMs: 300, cancelGraceMs: 1000 })
  expect(await done(job)).toMatchObject({ outcome: Outcome.TIMED_OUT })
})
