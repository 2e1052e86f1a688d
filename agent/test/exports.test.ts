// What a step sets for later ones: variables and folders for PATH, by real agents.
import { limits } from '@ansflow/proto/limits'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bench, done, jobIdOf, sh, startBench } from './bench.ts'
import { Outcome } from './fake-controller.ts'

let b: Bench
beforeAll(async () => {
  b = await startBench()
})
afterAll(() => b[Symbol.asyncDispose]())

let jobs = 0
const newId = () => jobIdOf(`exports-${++jobs}`)

test('variables, of one line and of several, and folders', async () => {
  const script = `echo "VERSION=1.2" >> "$ANSFLOW_ENV"
printf 'NOTES<<END\\na=b\\n\\nc\\nEND\\n' >> "$GITHUB_ENV"
echo "EMPTY=" >> "$CI_ENV"
echo "VERSION=1.3" >> "$CI_ENV"
echo "/opt/one/bin" >> "$ANSFLOW_PATH"
echo "/opt/two/bin" >> "$GITHUB_PATH"`
  expect(await done(b.controller.offer(newId(), sh(script)))).toMatchObject({
    outcome: Outcome.SUCCEEDED,
    env: { VERSION: '1.3', NOTES: 'a=b\n\nc', EMPTY: '' },
    path: ['/opt/one/bin', '/opt/two/bin'],
  })
})

test('a failed step tells them too', async () => {
  const finished = await done(b.controller.offer(newId(), sh('echo A=b >> "$ANSFLOW_ENV"; exit 3')))
  expect(finished).toMatchObject({ outcome: Outcome.FAILED, exitCode: 3, env: { A: 'b' } })
})

test('folders go in front of PATH, also of the one that env gives', async () => {
  const path = ['/opt/two/bin', '/opt/one/bin']
  const plain = b.controller.offer(newId(), sh('echo "$PATH"', { path }))
  await done(plain)
  expect(plain.log.toString()).toBe(`/opt/two/bin:/opt/one/bin:${process.env['PATH']}\n`)
  const given = b.controller.offer(
    newId(),
    sh('echo "$PATH"', { path, env: [{ name: 'PATH', value: '/usr/bin:/bin' }] }),
  )
  await done(given)
  expect(given.log.toString()).toBe('/opt/two/bin:/opt/one/bin:/usr/bin:/bin\n')
})

test('what holds a secret is dropped with a line in the log', async () => {
  const job = b.controller.offer(
    newId(),
    sh('echo "A=x-$TOKEN" >> "$ANSFLOW_ENV"; echo "B=b" >> "$ANSFLOW_ENV"; echo "/$TOKEN" >> "$ANSFLOW_PATH"'),
    [{ name: 'TOKEN', value: 'secret-token', env: true }],
  )
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED, env: { B: 'b' }, path: [] })
  expect(job.log.toString()).toBe(
    '[ansflow] The variable "A" for later steps holds a secret; it was dropped.\n[ansflow] A folder for the PATH of later steps holds a secret; it was dropped.\n',
  )
})

test.each([
  ['A=1', 'CI_OUTPUT=x', 'The env file sets CI_OUTPUT, which AnsFlow itself sets for each step.'],
  ['A=1', 'ANSFLOW_RUN_ID=x', 'The env file sets ANSFLOW_RUN_ID, which AnsFlow itself sets for each step.'],
  ['A=1', 'UID=0', 'The env file sets UID, which the shell itself sets for each step.'],
  ['A=1', 'PATH=/x', 'The env file sets PATH: write folders for it into $ANSFLOW_PATH instead.'],
  ['A=1', 'a b=c', 'The env file sets "a b", which is no name of a variable.'],
  ['A=1', 'word', 'Line 2 of the env file is neither NAME=value nor NAME<<DELIMITER.'],
  ['A<<X', 'b', 'Line 1 of the env file begins the variable "A", but no line "X" ends it.'],
])('an env file with %s and %s has failed the step, by name', async (first, second, reason) => {
  const job = b.controller.offer(newId(), sh(`printf '%s\\n' '${first}' '${second}' >> "$ANSFLOW_ENV"`))
  expect(await done(job)).toMatchObject({
    outcome: Outcome.FAILED,
    exitCode: 0,
    reason,
    reasonCode: 'agent_error',
    env: {},
  })
  expect(job.log.toString()).toBe(`[ansflow] ${reason}\n`)
})

test.each([
  ['bin', 'Line 1 of the path file is no absolute path, such as $PWD/bin.'],
  ['/a:/b', 'Line 1 of the path file is more than one folder.'],
])('a path file with %s has failed the step', async (line, reason) => {
  const job = b.controller.offer(newId(), sh(`echo '${line}' >> "$ANSFLOW_PATH"`))
  expect(await done(job)).toMatchObject({ outcome: Outcome.FAILED, reason, path: [] })
})

test('so many may be set, and so much', async () => {
  const many = `for i in $(seq ${limits.exportsOfAStep + 1}); do echo "V$i=x" >> "$ANSFLOW_ENV"; done`
  const reason = `The env file sets ${limits.exportsOfAStep + 1} variables; a step may set ${limits.exportsOfAStep}.`
  expect(await done(b.controller.offer(newId(), sh(many)))).toMatchObject({ outcome: Outcome.FAILED, reason, env: {} })
  const large = `{ printf A=; head -c ${limits.outputsBytes} /dev/zero | tr '\\0' x; } >> "$ANSFLOW_ENV"`
  expect(await done(b.controller.offer(newId(), sh(large)))).toMatchObject({ outcome: Outcome.FAILED, env: {} })
})
