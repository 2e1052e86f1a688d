import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCgroups } from '../src/process/cgroup.ts'
import { startTimeOf } from '../src/process/process-table.ts'
import { waitFor } from './agent-process.ts'
import { alive, type Bench, done, jobIdOf, sh, startBench } from './bench.ts'
import { type FakeJob, Outcome } from './fake-controller.ts'

/** One agent for all tests that ask nothing special of it, so that jobs of other tests have run on it before, as in life. */
let b: Bench
beforeAll(async () => {
  b = await startBench({ SOMETHING_OF_THE_AGENT: 'x' })
})
afterAll(() => b[Symbol.asyncDispose]())

let jobs = 0
const newId = () => jobIdOf(++jobs)

test('runs a step, ships its log, reports its end', async () => {
  const began = Date.now()
  const job = b.controller.offer(newId(), sh('echo hello; echo oops >&2; exit 3'))
  const finished = await done(job)
  expect(job.log.toString()).toBe('hello\noops\n')
  const [first = 0, second = 0, ...more] = job.lineTimes
  expect(more).toEqual([])
  expect([first >= began, second >= first, Date.now() >= second]).toEqual([true, true, true])
  expect(finished).toMatchObject({
    outcome: Outcome.FAILED,
    exitCode: 3,
    reason: 'exit code 3',
    reasonCode: 'exit_code',
  })
  expect(finished.startedAt).toBeDefined()
  expect(b.controller.hellos[0]).toMatchObject({ slots: 4, capabilities: expect.arrayContaining(['shell']) })
  await waitFor('nothing is left in the journal', () => readdirSync(join(b.data, 'jobs')).length === 0)
})

test('a start is told unless the end comes right behind it', async () => {
  const gate = join(b.data, 'gate')
  const long = b.controller.offer(newId(), sh(`until [ -e '${gate}' ]; do sleep 0.01; done`))
  await waitFor('it is told that it runs', () => long.started[0])
  writeFileSync(gate, '')
  const finished = await done(long)
  expect(finished.startedAt).toEqual(long.started[0]!.at)
})

test('an empty log that is complete is not shipped when others ship theirs', async () => {
  const quiet: FakeJob[] = []
  for (let round = 0; round < 10; round++) {
    const silent = [sh('true'), sh('true')].map((spec) => b.controller.offer(newId(), spec))
    const others = [sh('echo hello'), sh('echo hello')].map((spec) => b.controller.offer(newId(), spec))
    for (const job of [...silent, ...others]) await done(job)
    quiet.push(...silent)
  }
  await waitFor('nothing is left in the journal', () => readdirSync(join(b.data, 'jobs')).length === 0)
  expect(quiet.map(({ logMessages }) => logMessages)).toEqual(quiet.map(() => 0))
})

test('an empty log is complete with its job’s result, or shipped to a controller that has not said so', async () => {
  const quiet = b.controller.offer(newId(), sh('true'))
  await done(quiet)
  await waitFor('nothing is left in the journal', () => readdirSync(join(b.data, 'jobs')).length === 0)
  expect(quiet.logMessages).toBe(0)
  b.controller.behavior.wantsEmptyLogs = true
  const shipped = b.controller.offer(newId(), sh('true'))
  await done(shipped)
  await waitFor('nothing is left in the journal', () => readdirSync(join(b.data, 'jobs')).length === 0)
  expect(shipped.logMessages).toBe(1)
  b.controller.behavior.wantsEmptyLogs = false
})

test.each([
  ['succeeds', 'sh', 'true', { outcome: Outcome.SUCCEEDED, exitCode: 0, reasonCode: '' }],
  ['stops at the first error', 'sh', 'false\necho never', { outcome: Outcome.FAILED, exitCode: 1 }],
  ['bash: a failing pipe fails', 'bash', 'false | true\necho never', { outcome: Outcome.FAILED, exitCode: 1 }],
  ['killed by a signal', 'sh', 'kill -SEGV $$', { exitCode: 139, reason: 'ended by SIGSEGV', reasonCode: 'signal' }],
  ['a shell that is not there', 'fish', 'true', { outcome: Outcome.FAILED, reasonCode: 'agent_error' }],
  ['Windows line ends', 'sh', 'if true; then\r\n  exit 4\r\nfi\r\n', { exitCode: 4 }],
])('%s', async (_name, shell, script, expected) => {
  const job = b.controller.offer(newId(), { execution: { case: 'shell', value: { shell, script } } })
  expect(await done(job)).toMatchObject(expected)
  expect(job.log.toString()).not.toContain('never')
})

test("a PATH of the step's own without the shell: the reason names the PATH and what to do", async () => {
  const job = b.controller.offer(newId(), sh('true', { env: [{ name: 'PATH', value: '/opt/x:$PATH' }] }))
  const { reason } = await done(job)
  expect(reason).toMatch(/^The shell sh is on this host, but not in the PATH .*"\/opt\/x:\$PATH".* export PATH=/)
})

test('a step sees a clean environment and its own entries, whatever they hold', async () => {
  const nasty = `a'b"c$(touch /tmp/never)\`id\` \\n\nsecond line`
  const job = b.controller.offer(
    newId(),
    sh('env -0 > "$ANSFLOW_WORKSPACE/env"; pwd', {
      env: [
        { name: 'NASTY', value: nasty },
        { name: 'IFS', value: 'ab' },
      ],
    }),
    [
      { name: 'TOKEN', value: 'secret-value-1', env: true },
      { name: 'HIDDEN', value: 'secret-value-2' },
    ],
  )
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  const workspace = job.log.toString().trim()
  const env = Object.fromEntries(
    readFileSync(join(workspace, 'env'), 'utf8')
      .split('\0')
      .map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]),
  )
  expect(env).toMatchObject({
    NASTY: nasty,
    CI: 'true',
    TOKEN: 'secret-value-1',
    ANSFLOW_WORKSPACE: workspace,
    ANSFLOW_JOB_ID: `${job.ref.jobId}.1`,
  })
  expect(
    Object.keys(env).filter(
      (name) => name.startsWith('ANSFLOW_AGENT') || name === 'SOMETHING_OF_THE_AGENT' || name === 'HIDDEN',
    ),
  ).toEqual([])
  expect(existsSync('/tmp/never')).toBe(false)
})

test('secrets are masked in the log, dropped from outputs, and not left in the journal', async () => {
  const secret = 'Tr0ub4dor&3 with spaces'
  const job = b.controller.offer(
    newId(),
    sh(
      `printf '%s' "$TOKEN" | cut -c1-6 | tr -d '\\n'; sleep 0.3; printf '%s\\n' "$TOKEN" | cut -c7-
       printf %s "$TOKEN" | base64; echo "::add-mask::computed-value"; echo "a computed-value b"
       echo "leak=$TOKEN" >> "$ANSFLOW_OUTPUT"; echo "plain=yes" >> "$GITHUB_OUTPUT"
       grep -rl 'Tr0u[b]4dor' ${b.data} | grep -v -e /raw -e /output | wc -l`,
      { outputs: ['leak', 'plain'] },
    ),
    [{ name: 'TOKEN', value: secret, env: true }],
  )
  const finished = await done(job)
  const log = job.log.toString()
  expect(log).toBe(
    '***\n***\n::add-mask::***\na *** b\n0\n[ansflow] The output "leak" holds a secret; it was dropped.\n'
      .replace('***\n***\n', '***\n***==\n')
      .replace('==', log.includes('***==') ? '==' : log.includes('***=') ? '=' : ''),
  )
  expect(finished.outputs).toEqual({ plain: 'yes' })
})

test('what the agent says itself tells no secret: reasons, its lines in the log, however it writes it', async () => {
  const secrets = [{ name: 'TOKEN', value: `p@ss "w&rd'`, env: true }]
  const lost = b.controller.offer(
    newId(),
    { execution: { case: 'shell', value: { script: 'true', workingDirectory: `no/p@ss "w&rd'` } } },
    secrets,
  )
  const { reason } = await done(lost)
  expect(reason).toBe('The folder "no/***" does not exist in the workspace.')
  expect(lost.log.toString()).toBe(`[ansflow] ${reason}\n`)
  const named = b.controller.offer(newId(), sh('echo "$TOKEN=1" >> "$ANSFLOW_OUTPUT"'), secrets)
  await done(named)
  expect(named.log.toString()).toBe('[ansflow] The output "***" is not declared by the step; it was dropped.\n')
})

test('a step whose secrets are more than can be masked is not started', async () => {
  const value = Array.from({ length: 60_000 }, (_, i) => i.toString(36))
    .join('')
    .slice(0, 64 * 1024)
  const secrets = Array.from({ length: 5 }, (_, i) => ({ name: `S${i}`, value: `${i}${value}`, env: false }))
  const job = b.controller.offer(newId(), sh('echo started'), secrets)
  expect(await done(job)).toMatchObject({
    outcome: Outcome.FAILED,
    reason: 'Its secrets have more than 262144 bytes together; they could not be masked.',
  })
  expect(job.log.toString()).not.toContain('started')
})

test('outputs: declared ones come back, others are named in the log', async () => {
  const job = b.controller.offer(
    newId(),
    sh('echo digest=sha256:1 >> "$ANSFLOW_OUTPUT"; printf "notes<<EOF\\na\\nb=c\\nEOF\\nother=1\\n" >> "$CI_OUTPUT"', {
      outputs: ['digest', 'notes'],
    }),
  )
  expect((await done(job)).outputs).toEqual({ digest: 'sha256:1', notes: 'a\nb=c' })
  expect(job.log.toString()).toBe('[ansflow] The output "other" is not declared by the step; it was dropped.\n')
})

test('20 MB of lines and a line of 5 MB arrive byte for byte', async () => {
  const program = `let n = 0; const line = i => i + ' ' + 'x'.repeat(i % 90) + '\\n'
    let all = ''; for (let i = 0; n < 20e6; i++) { const l = line(i); all += l; n += l.length; if (all.length > 1e6) { require('fs').writeSync(1, all); all = '' } }
    require('fs').writeSync(1, all + 'y'.repeat(5e6) + '\\nend')`
  writeFileSync(join(b.data, 'program.cjs'), program)
  const command = `"${process.execPath}" ${join(b.data, 'program.cjs')}`
  const expected = execFileSync(process.execPath, [join(b.data, 'program.cjs')], { maxBuffer: 1e9 })
  const job = b.controller.offer(newId(), sh(command), [{ name: 'S', value: 'never-in-there' }])
  await done(job, 25_000)
  expect(job.log.length).toBe(expected.length)
  expect(job.log.equals(expected)).toBe(true)
  expect(job.lineTimes.length).toBe(expected.toString('latin1').split('\n').length - 1)
  // Each as it was seen, however many came at once.
  expect(job.lineTimes).toEqual(job.lineTimes.toSorted((one, other) => one - other))
  expect(job.lineTimes.at(-1)).toBeGreaterThan(job.lineTimes[0]!)
}, 40_000)

test('a log over its limit keeps head and tail and says what was cut', async () => {
  await using b = await startBench({ ANSFLOW_AGENT_LOG_LIMIT_MIB: '1' })
  const job = b.controller.offer(
    newId(),
    sh('i=0; while [ $i -lt 60000 ]; do echo "line $i of many lines"; i=$((i+1)); done'),
  )
  await done(job)
  const log = job.log.toString()
  const [, cut] = /\[ansflow\] (\d+) bytes of output cut here/.exec(log) ?? []
  const whole = Array.from({ length: 60_000 }, (_, i) => `line ${i} of many lines\n`).join('')
  const [head = '', tail = ''] = log.split(/\n?\[ansflow\].*\n/)
  expect(whole.startsWith(head)).toBe(true)
  expect(whole.endsWith(tail)).toBe(true)
  expect(head.length + tail.length + Number(cut)).toBe(whole.length)
  expect(head.length + tail.length).toBe(1024 * 1024)
})

test('cancel ends everything, also what left the session, and spares nothing that ignores TERM', async () => {
  const job = b.controller.offer(
    newId(),
    sh(
      `setsid sh -c 'sleep 300' & (setsid nohup sh -c 'trap "" TERM; sleep 301; sleep 302' >/dev/null 2>&1 &) ; sh -c 'kill -STOP $$; sleep 303' & trap "echo got TERM; exit 9" TERM; while :; do sleep 0.1; done`,
      { cancelGraceMs: 500 },
    ),
  )
  await waitFor('all are running', () => alive(job.ref.jobId).length >= 6)
  const at = performance.now()
  b.controller.cancel(job.ref.jobId)
  const finished = await done(job)
  expect(finished).toMatchObject({ outcome: Outcome.CANCELED, exitCode: 9, reasonCode: 'canceled' })
  expect(performance.now() - at).toBeLessThan(4000)
  expect(alive(job.ref.jobId)).toEqual([])
  expect(job.log.toString()).toContain('got TERM')
})

test('cancel ends what has left session and parents and thrown its environment away, where there are control groups', async () => {
  const pidFile = join(b.data, 'escaped')
  const job = b.controller.offer(
    newId(),
    sh(
      `env -i sh -c '(setsid sh -c "trap : TERM; echo \\$\\$ > ${pidFile}; while :; do sleep 0.1; done" &)' >/dev/null 2>&1; while :; do sleep 0.1; done`,
      { cancelGraceMs: 200 },
    ),
  )
  const escaped = await waitFor('it has escaped', () => existsSync(pidFile) && Number(readFileSync(pidFile, 'utf8')))
  expect(alive(job.ref.jobId)).not.toContain(escaped)
  b.controller.cancel(job.ref.jobId)
  expect(await done(job)).toMatchObject({ outcome: Outcome.CANCELED })
  const survived = startTimeOf(escaped) !== ''
  if (survived) process.kill(escaped, 'SIGKILL')
  expect(survived).toBe(!createCgroups().usable)
})

test('cancel before start: nothing runs', async () => {
  b.controller.behavior.noStart = true
  const job = b.controller.offer(newId(), sh(`touch ${b.data}/ran`))
  await waitFor('accepted', () => job.accepted.length > 0)
  b.controller.cancel(job.ref.jobId)
  const finished = await done(job)
  expect(finished.outcome).toBe(Outcome.CANCELED)
  expect(finished.exitCode).toBeUndefined()
  b.controller.send({ kind: { case: 'start', value: { job: job.ref } } })
  b.controller.behavior.noStart = false
  await done(b.controller.offer(newId(), sh('true')))
  expect(existsSync(join(b.data, 'ran'))).toBe(false)
})

test('timeout', async () => {
  const job = b.controller.offer(
    newId(),
    sh('trap "" TERM; while :; do sleep 0.1; done', { timeoutMs: 400, cancelGraceMs: 200 }),
  )
  expect(await done(job)).toMatchObject({ outcome: Outcome.TIMED_OUT, exitCode: 137, reasonCode: 'timeout' })
  expect(alive(job.ref.jobId)).toEqual([])
})

test('what a finished step leaves running is ended', async () => {
  const job = b.controller.offer(newId(), sh('setsid sleep 300 & sleep 300 & echo ok'))
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  await waitFor('no process is left', () => alive(job.ref.jobId).length === 0)
})

test('no free slot, unknown kinds and bad ids are rejected with a reason', async () => {
  await using b = await startBench({ ANSFLOW_AGENT_SLOTS: '1' })
  const first = b.controller.offer(jobIdOf('a'), sh('sleep 300'))
  await waitFor('accepted', () => first.accepted.length > 0)
  const second = b.controller.offer(jobIdOf('b'), sh('true'))
  expect(await waitFor('rejected', () => second.rejected[0])).toBe('no free slot')
  b.controller.cancel(first.ref.jobId)
  await done(first)
  const none = b.controller.offer(jobIdOf('c'), {})
  const bad = b.controller.offer('../../x', sh('true'))
  expect(await waitFor('rejected', () => none.rejected[0])).toContain('cannot run')
  expect(await waitFor('rejected', () => bad.rejected[0])).toContain('job id')
})

test('workspaces: shared within a run, isolated ones start empty and go; nothing leads out', async () => {
  await done(b.controller.offer(newId(), sh('echo 1 > file; ln -s /etc out; mkdir -p sub/deep')))
  const second = b.controller.offer(newId(), {
    workspace: 'shared',
    execution: { case: 'shell', value: { script: 'cat ../../file; pwd', workingDirectory: 'sub/deep' } },
  })
  expect(await done(second)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(second.log.toString()).toMatch(/^1\n.*\/sub\/deep\n$/)
  const isolated = b.controller.offer(newId(), sh('ls -A; pwd', { workspace: 'isolated' }))
  await done(isolated)
  const path = isolated.log.toString().trim()
  expect(path.split('\n')).toHaveLength(1)
  await waitFor('it is removed', () => !existsSync(path))
  for (const [i, workingDirectory] of ['out', '../../..', '/etc', 'nowhere'].entries()) {
    const job = b.controller.offer(jobIdOf(`out-${i}`), {
      execution: { case: 'shell', value: { script: 'echo ran', workingDirectory } },
    })
    expect(await done(job)).toMatchObject({ outcome: Outcome.FAILED, reasonCode: 'agent_error' })
    expect(job.log.toString()).not.toMatch(/^ran/m)
  }
})

test('a job works in the workspace of an earlier run while that is there, and says when it is not', async () => {
  const folder = join(b.data, 'workspaces/earlier')
  const first = b.controller.offer(newId(), { ...sh('echo left > file'), runId: 'earlier' })
  await done(first)
  const again = () => b.controller.offer(newId(), { ...sh('cat file'), runId: 'later', workspaceRunId: 'earlier' })
  const second = again()
  expect(await done(second)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(second.log.toString()).toBe('left\n')
  expect(existsSync(join(b.data, 'workspaces/later'))).toBe(false)
  rmSync(folder, { recursive: true })
  expect(await done(again())).toMatchObject({ outcome: Outcome.FAILED, reasonCode: 'workspace_gone' })
  expect(existsSync(folder)).toBe(false)
})
