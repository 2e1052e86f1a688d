import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type AgentProcess, startAgent, temporaryFolder, waitFor } from './agent-process.ts'
import { type FakeController, type FakeJob, Outcome, startFakeController } from './fake-controller.ts'

interface Bench extends AsyncDisposable {
  controller: FakeController
  data: string
  agent: AgentProcess
  restart(env?: Record<string, string>): Promise<void>
}

async function bench(env: Record<string, string> = {}): Promise<Bench> {
  const data = temporaryFolder()
  const controller = await startFakeController()
  const start = (more: Record<string, string> = {}) =>
    startAgent(['run', '--data', data.path, '--slots', '4'], {
      ANSFLOW_AGENT_URL: controller.address,
      ANSFLOW_AGENT_TOKEN: 'good-token',
      ...env,
      ...more,
    })
  const all: Bench = {
    controller,
    data: data.path,
    agent: start(),
    async restart(more) {
      const before = controller.hellos.length
      all.agent = start(more)
      await waitFor('the agent is back', () => controller.hellos.length > before)
    },
    async [Symbol.asyncDispose]() {
      await all.agent[Symbol.asyncDispose]()
      await controller.close()
      data[Symbol.dispose]()
    },
  }
  await waitFor('hello', () => controller.hellos.length > 0).catch((error) => {
    throw new Error(`${error.message}\n${all.agent.output()}`)
  })
  return all
}

const sh = (script: string, more: object = {}) => ({
  execution: { case: 'shell' as const, value: { shell: 'sh', script } },
  ...more,
})
async function done(job: FakeJob, ms?: number) {
  const finished = await waitFor(`job ${job.ref.jobId} has finished`, () => job.finished[0], ms)
  await waitFor(`the log of ${job.ref.jobId} is complete`, () => job.logComplete, ms)
  expect(finished.logSize).toBe(BigInt(job.log.length))
  return finished
}
/** Processes of this host that carry a job's marker. */
function alive(jobId: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`).includes(`ANSFLOW_JOB_ID=${jobId}.`)
      } catch {
        return false
      }
    })
}

test('runs a step, ships its log, reports its end', async () => {
  await using b = await bench()
  const job = b.controller.offer('job-1', sh('echo hello; echo oops >&2; exit 3'))
  const finished = await done(job)
  expect(job.log.toString()).toBe('hello\noops\n')
  expect(job.lineLengths).toEqual([6, 5])
  expect(finished).toMatchObject({
    outcome: Outcome.FAILED,
    exitCode: 3,
    reason: 'exit code 3',
    reasonCode: 'exit_code',
  })
  expect(job.started).toHaveLength(1)
  expect(b.controller.hellos[0]).toMatchObject({ slots: 4, capabilities: expect.arrayContaining(['shell']) })
  await waitFor('nothing is left in the journal', () => readdirSync(join(b.data, 'jobs')).length === 0)
})

test.each([
  ['succeeds', 'sh', 'true', { outcome: Outcome.SUCCEEDED, exitCode: 0, reasonCode: '' }],
  ['stops at the first error', 'sh', 'false\necho never', { outcome: Outcome.FAILED, exitCode: 1 }],
  ['bash: a failing pipe fails', 'bash', 'false | true\necho never', { outcome: Outcome.FAILED, exitCode: 1 }],
  ['killed by a signal', 'sh', 'kill -SEGV $$', { exitCode: 139, reason: 'ended by SIGSEGV', reasonCode: 'signal' }],
  [
    'a shell that is not there',
    'fish',
    'true',
    { outcome: Outcome.FAILED, exitCode: undefined, reasonCode: 'agent_error' },
  ],
  ['Windows line ends', 'sh', 'if true; then\r\n  exit 4\r\nfi\r\n', { exitCode: 4 }],
])('%s', async (_name, shell, script, expected) => {
  await using b = await bench()
  const job = b.controller.offer('job-1', { execution: { case: 'shell', value: { shell, script } } })
  expect(await done(job)).toMatchObject(expected)
  expect(job.log.toString()).not.toContain('never')
})

test('a step sees a clean environment and its own entries, whatever they hold', async () => {
  await using b = await bench({ SOMETHING_OF_THE_AGENT: 'x' })
  const nasty = `a'b"c$(touch /tmp/never)\`id\` \\n\nsecond line`
  const job = b.controller.offer(
    'job-1',
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
    ANSFLOW_JOB_ID: 'job-1.1',
  })
  expect(
    Object.keys(env).filter(
      (name) => name.startsWith('ANSFLOW_AGENT') || name === 'SOMETHING_OF_THE_AGENT' || name === 'HIDDEN',
    ),
  ).toEqual([])
  expect(existsSync('/tmp/never')).toBe(false)
})

test('secrets are masked in the log, dropped from outputs, and not left in the journal', async () => {
  await using b = await bench()
  const secret = 'Tr0ub4dor&3 with spaces'
  const job = b.controller.offer(
    'job-1',
    sh(
      `printf '%s' "$TOKEN" | cut -c1-6 | tr -d '\\n'; sleep 0.3; printf '%s\\n' "$TOKEN" | cut -c7-
       printf %s "$TOKEN" | base64; echo "::add-mask::computed-value"; echo "a computed-value b"
       echo "leak=$TOKEN" >> "$ANSFLOW_OUTPUT"; echo "plain=yes" >> "$GITHUB_OUTPUT"
       grep -rl Tr0ub4dor ${b.data} | grep -v /run/raw | wc -l`,
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

test('outputs: declared ones come back, others are named in the log', async () => {
  await using b = await bench()
  const job = b.controller.offer(
    'job-1',
    sh('echo digest=sha256:1 >> "$ANSFLOW_OUTPUT"; printf "notes<<EOF\\na\\nb=c\\nEOF\\nother=1\\n" >> "$CI_OUTPUT"', {
      outputs: ['digest', 'notes'],
    }),
  )
  expect((await done(job)).outputs).toEqual({ digest: 'sha256:1', notes: 'a\nb=c' })
  expect(job.log.toString()).toBe('[ansflow] The output "other" is not declared by the step; it was dropped.\n')
})

test('20 MB of lines and a line of 5 MB arrive byte for byte', async () => {
  await using b = await bench()
  const program = `let n = 0; const line = i => i + ' ' + 'x'.repeat(i % 90) + '\\n'
    let all = ''; for (let i = 0; n < 20e6; i++) { const l = line(i); all += l; n += l.length; if (all.length > 1e6) { require('fs').writeSync(1, all); all = '' } }
    require('fs').writeSync(1, all + 'y'.repeat(5e6) + '\\nend')`
  writeFileSync(join(b.data, 'program.cjs'), program)
  const command = `"${process.execPath}" ${join(b.data, 'program.cjs')}`
  const expected = execFileSync(process.execPath, [join(b.data, 'program.cjs')], { maxBuffer: 1e9 })
  const job = b.controller.offer('job-1', sh(command), [{ name: 'S', value: 'never-in-there' }])
  await done(job, 25_000)
  expect(job.log.length).toBe(expected.length)
  expect(job.log.equals(expected)).toBe(true)
  expect(job.lineLengths.length).toBe(expected.toString('latin1').split('\n').length - 1)
}, 40_000)

test('a log over its limit keeps head and tail and says what was cut', async () => {
  await using b = await bench()
  const job = b.controller.offer(
    'job-1',
    sh('i=0; while [ $i -lt 3000 ]; do echo "line $i of many lines"; i=$((i+1)); done', { logLimit: 16_384n }),
  )
  await done(job)
  const log = job.log.toString()
  const [, cut] = /\[ansflow\] (\d+) bytes of output cut here/.exec(log) ?? []
  const whole = Array.from({ length: 3000 }, (_, i) => `line ${i} of many lines\n`).join('')
  const [head = '', tail = ''] = log.split(/\n?\[ansflow\].*\n/)
  expect(whole.startsWith(head)).toBe(true)
  expect(whole.endsWith(tail)).toBe(true)
  expect(head.length + tail.length + Number(cut)).toBe(whole.length)
  expect(head.length + tail.length).toBe(16_384)
})

test('the agent is killed while a step prints: the step goes on, the log is exact, the end is reported once', async () => {
  await using b = await bench()
  const job = b.controller.offer(
    'job-1',
    sh('i=0; while [ $i -lt 60 ]; do echo "line $i pid $$ $TOKEN"; i=$((i+1)); sleep 0.05; done; exit 7'),
    [{ name: 'TOKEN', value: 'hush-hush-hush', env: true }],
  )
  await waitFor('some output', () => job.log.includes('line 5 '))
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  await b.restart()
  expect(await done(job)).toMatchObject({ outcome: Outcome.FAILED, exitCode: 7 })
  const pid = /pid (\d+)/.exec(job.log.toString())![1]
  expect(job.log.toString()).toBe(Array.from({ length: 60 }, (_, i) => `line ${i} pid ${pid} ***\n`).join(''))
  expect(b.controller.hellos[1]!.jobs).toMatchObject([{ phase: 2 }])
  expect(job.finished).toHaveLength(1)
})

test('a step that ends while the agent is down is reported when it is back', async () => {
  await using b = await bench()
  const job = b.controller.offer('job-1', sh('while [ ! -e go ]; do sleep 0.02; done; echo done; exit 5'))
  await waitFor('started', () => job.started.length > 0)
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  const workspace = join(b.data, 'workspaces', 'run-1', 'shared')
  writeFileSync(join(workspace, 'go'), '')
  await waitFor(
    'the exit code is noted',
    () => readFileSync(join(b.data, 'jobs/job-1/run/exit'), 'utf8').trim() === '5',
  )
  await b.restart()
  expect(await done(job)).toMatchObject({ exitCode: 5 })
  expect(job.log.toString()).toBe('done\n')
})

test('cancel ends everything, also what left the session, and spares nothing that ignores TERM', async () => {
  await using b = await bench()
  const job = b.controller.offer(
    'job-1',
    sh(
      `setsid sh -c 'sleep 300' & (setsid nohup sh -c 'trap "" TERM; sleep 301; sleep 302' >/dev/null 2>&1 &) ; sh -c 'kill -STOP $$; sleep 303' & trap "echo got TERM; exit 9" TERM; while :; do sleep 0.1; done`,
    ),
  )
  await waitFor('all are running', () => alive('job-1').length >= 6)
  const at = performance.now()
  b.controller.cancel('job-1', 500)
  const finished = await done(job)
  expect(finished).toMatchObject({ outcome: Outcome.CANCELED, exitCode: 9, reasonCode: 'canceled' })
  expect(performance.now() - at).toBeLessThan(4000)
  expect(alive('job-1')).toEqual([])
  expect(job.log.toString()).toContain('got TERM')
})

test('cancel before start: nothing runs', async () => {
  await using b = await bench()
  b.controller.behavior.noStart = true
  const job = b.controller.offer('job-1', sh(`touch ${b.data}/ran`))
  await waitFor('accepted', () => job.accepted.length > 0)
  b.controller.cancel('job-1')
  expect(await done(job)).toMatchObject({ outcome: Outcome.CANCELED, exitCode: undefined })
  b.controller.send({ kind: { case: 'start', value: { job: job.ref } } })
  b.controller.behavior.noStart = false
  await done(b.controller.offer('job-2', sh('true')))
  expect(existsSync(join(b.data, 'ran'))).toBe(false)
})

test('an offer without start never runs, also after a restart', async () => {
  await using b = await bench()
  b.controller.behavior.noStart = true
  const job = b.controller.offer('job-1', sh(`touch ${b.data}/ran`))
  await waitFor('accepted', () => job.accepted.length > 0)
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  await b.restart()
  expect(b.controller.hellos[1]!.jobs).toMatchObject([{ phase: 1 }])
  expect(existsSync(join(b.data, 'ran'))).toBe(false)
  // The start that comes at last runs it.
  b.controller.send({ kind: { case: 'start', value: { job: job.ref } } })
  await done(job)
  expect(existsSync(join(b.data, 'ran'))).toBe(true)
})

test('timeout', async () => {
  await using b = await bench()
  const job = b.controller.offer(
    'job-1',
    sh('trap "" TERM; while :; do sleep 0.1; done', { timeoutMs: 400, cancelGraceMs: 200 }),
  )
  expect(await done(job)).toMatchObject({ outcome: Outcome.TIMED_OUT, exitCode: 137, reasonCode: 'timeout' })
  expect(alive('job-1')).toEqual([])
})

test('what a finished step leaves running is ended', async () => {
  await using b = await bench()
  const job = b.controller.offer('job-1', sh('setsid sleep 300 & sleep 300 & echo ok'))
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  await waitFor('no process is left', () => alive('job-1').length === 0)
})

test('streams are cut again and again: nothing is lost or doubled', async () => {
  await using b = await bench()
  b.controller.behavior.dropLogAcks = 3
  b.controller.behavior.dropFinishedAcks = 1
  b.controller.behavior.duplicateOffers = true
  const job = b.controller.offer(
    'job-1',
    sh('i=0; while [ $i -lt 400 ]; do echo "line $i"; i=$((i+1)); sleep 0.01; done'),
  )
  for (let i = 1; i <= 3; i++) {
    await waitFor('more output', () => job.log.includes(`line ${i * 20}\n`))
    b.controller.cutStreams(i % 2 ? 'logs' : undefined)
    await waitFor('connected again', () => b.controller.connected())
  }
  await done(job, 30_000)
  expect(job.log.toString()).toBe(Array.from({ length: 400 }, (_, i) => `line ${i}\n`).join(''))
  expect(job.started.length).toBeGreaterThan(0)
  await waitFor('the journal is empty', () => readdirSync(join(b.data, 'jobs')).length === 0, 20_000)
}, 60_000)

test('stale and superseded jobs are ended and forgotten', async () => {
  await using b = await bench()
  const old = b.controller.offer('job-1', sh('echo $$; sleep 300'))
  await waitFor('output', () => old.log.length > 0)
  b.controller.send({ kind: { case: 'stale', value: { job: old.ref } } })
  await waitFor('it is gone', () => alive('job-1').length === 0 && readdirSync(join(b.data, 'jobs')).length === 0)
  const next = b.controller.offer('job-1', sh('echo second'), [], 2)
  await done(next)
  expect(next.log.toString()).toBe('second\n')
})

test('self-fenced jobs end when the controller is out of reach, others go on', async () => {
  await using b = await bench()
  b.controller.behavior = { lostAfterMs: 1500, heartbeatMs: 100 }
  b.controller.cutStreams()
  await waitFor('connected again', () => b.controller.hellos.length > 1)
  const fenced = b.controller.offer('job-1', sh('sleep 300', { selfFence: true }))
  const kept = b.controller.offer('job-2', sh('sleep 300'))
  await waitFor('both run', () => fenced.started.length > 0 && kept.started.length > 0)
  b.controller.behavior.silentHeartbeats = true
  await waitFor('the fenced one is dead', () => alive('job-1').length === 0)
  expect(alive('job-2').length).toBeGreaterThan(0)
  expect(await done(fenced)).toMatchObject({ outcome: Outcome.LOST })
  b.controller.cancel('job-2', 100)
  b.controller.behavior.silentHeartbeats = false
  await done(kept)
})

test('no free slot, unknown kinds and bad ids are rejected with a reason', async () => {
  await using b = await bench({ ANSFLOW_AGENT_SLOTS: '1' })
  const jobs = Array.from({ length: 5 }, (_, i) => b.controller.offer(`job-${i}`, sh('sleep 300')))
  await waitFor('one is rejected', () => jobs[4]!.rejected[0] === 'no free slot')
  for (const job of jobs.slice(0, 4)) b.controller.cancel(job.ref.jobId, 100)
  for (const job of jobs.slice(0, 4)) await done(job)
  const none = b.controller.offer('job-9', {})
  const bad = b.controller.offer('../../x', sh('true'))
  expect(await waitFor('rejected', () => none.rejected[0])).toContain('cannot run')
  expect(await waitFor('rejected', () => bad.rejected[0])).toContain('job id')
})

test('workspaces: shared within a run, isolated ones start empty and go; nothing leads out', async () => {
  await using b = await bench()
  await done(b.controller.offer('job-1', sh('echo 1 > file; ln -s /etc out; mkdir -p sub/deep')))
  const second = b.controller.offer('job-2', {
    workspace: 'shared',
    execution: { case: 'shell', value: { script: 'cat ../../file; pwd', workingDirectory: 'sub/deep' } },
  })
  expect(await done(second)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(second.log.toString()).toMatch(/^1\n.*\/sub\/deep\n$/)
  const isolated = b.controller.offer('job-3', sh('ls -A; pwd', { workspace: 'isolated' }))
  await done(isolated)
  const path = isolated.log.toString().trim()
  expect(path.split('\n')).toHaveLength(1)
  await waitFor('it is removed', () => !existsSync(path))
  for (const [i, workingDirectory] of ['out', '../../..', '/etc', 'nowhere'].entries()) {
    const job = b.controller.offer(`job-out-${i}`, {
      execution: { case: 'shell', value: { script: 'echo ran', workingDirectory } },
    })
    expect(await done(job)).toMatchObject({ outcome: Outcome.FAILED, reasonCode: 'agent_error' })
    expect(job.log.toString()).not.toMatch(/^ran/m)
  }
})

test('SIGTERM drains: the running step ends by itself, offers are refused, the agent ends', async () => {
  await using b = await bench()
  const job = b.controller.offer('job-1', sh('while [ ! -e go ]; do sleep 0.02; done; echo finished'))
  await waitFor('started', () => job.started.length > 0)
  b.agent.child.kill('SIGTERM')
  await waitFor('draining is told', () => b.controller.drainings > 0)
  const refused = b.controller.offer('job-2', sh('true'))
  expect(await waitFor('rejected', () => refused.rejected[0])).toBe('draining')
  writeFileSync(join(b.data, 'workspaces/run-1/shared/go'), '')
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(await b.agent.exited).toBe(0)
})

test('a second SIGTERM cancels', async () => {
  await using b = await bench()
  const job = b.controller.offer('job-1', sh('sleep 300'))
  await waitFor('started', () => job.started.length > 0)
  b.agent.child.kill('SIGTERM')
  await waitFor('draining is told', () => b.controller.drainings > 0)
  b.agent.child.kill('SIGTERM')
  expect(await done(job)).toMatchObject({ outcome: Outcome.CANCELED })
  expect(await b.agent.exited).toBe(0)
})
