import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bootId } from '../src/process/process-table.ts'
import { waitFor } from './agent-process.ts'
import { alive, startBench as bench, done, jobIdOf, sh } from './bench.ts'
import { type FakeJob, Outcome } from './fake-controller.ts'

const first = jobIdOf(1)
const second = jobIdOf(2)

test('the agent is killed while a step prints: the step goes on, the log is exact, the end is reported once', async () => {
  await using b = await bench()
  const job = b.controller.offer(
    first,
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
  const job = b.controller.offer(first, sh('while [ ! -e go ]; do sleep 0.02; done; echo done; exit 5'))
  await waitFor('started', () => job.started.length > 0)
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  const workspace = join(b.data, 'workspaces', 'run-1', 'shared')
  writeFileSync(join(workspace, 'go'), '')
  await waitFor(
    'the exit code is noted',
    () =>
      readFileSync(join(b.data, `jobs/${first}/job`), 'utf8')
        .split('\n')[1]
        ?.trim() === '5',
  )
  await b.restart()
  expect(await done(job)).toMatchObject({ exitCode: 5 })
  expect(job.log.toString()).toBe('done\n')
})

test.each([
  ['and has all of its log', true],
  ['but not that it has all of its log', false],
])(
  'the controller knows how a job has ended, %s: for a restarted agent it has no slot any more, and goes',
  async (_name, isWhole) => {
    await using b = await bench({ ANSFLOW_AGENT_SLOTS: '1' })
    b.controller.behavior.dropFinishedAcks = Number.POSITIVE_INFINITY
    const script = sh('echo "it is $TOKEN"; echo n=1 >>"$ANSFLOW_OUTPUT"', { outputs: ['n'] })
    const job = b.controller.offer(first, script, [{ name: 'TOKEN', value: 'hush-hush-hush', env: true }])
    await done(job)
    b.agent.child.kill('SIGKILL')
    await b.agent.exited
    // As it is right behind the end of a job.
    rmSync(join(b.data, 'jobs', first, 'result.json'), { force: true })
    job.hasEnded = true
    job.logComplete = isWhole
    b.controller.behavior.dropFinishedAcks = 0
    let next: FakeJob | undefined
    b.controller.onHeard = () => {
      if (b.controller.hellos.length > 1) next ??= b.controller.offer(second, sh('echo next'))
    }
    await b.restart()
    expect(b.controller.hellos[1]!.jobs).toMatchObject([{ job: job.ref, phase: 2 }])
    const after = await waitFor('the next job is offered right behind the hello', () => next)
    expect(await done(after)).toMatchObject({ outcome: Outcome.SUCCEEDED })
    expect(after.rejected).toEqual([])
    await waitFor('all of the log is there', () => job.logComplete)
    expect(job.log.toString()).toBe('it is ***\n')
    await waitFor('the journal is empty', () => readdirSync(join(b.data, 'jobs')).length === 0)
  },
)

test('an offer without start never runs, also after a restart', async () => {
  await using b = await bench()
  b.controller.behavior.noStart = true
  const job = b.controller.offer(first, sh(`touch ${b.data}/ran`))
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

test('an accepted job of which the controller says that it has ended never runs, and goes', async () => {
  await using b = await bench({ ANSFLOW_AGENT_SLOTS: '1' })
  b.controller.behavior.noStart = true
  const job = b.controller.offer(first, sh(`touch ${b.data}/ran`))
  await waitFor('accepted', () => job.accepted.length > 0)
  b.controller.send({ kind: { case: 'finishedAck', value: { job: job.ref } } })
  b.controller.behavior.noStart = false
  const next = b.controller.offer(second, sh('echo next'))
  expect(await done(next)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  await waitFor('the journal is empty', () => readdirSync(join(b.data, 'jobs')).length === 0)
  expect(existsSync(join(b.data, 'ran'))).toBe(false)
})

test('streams are cut again and again: nothing is lost or doubled', async () => {
  await using b = await bench()
  b.controller.behavior.dropLogAcks = 3
  b.controller.behavior.dropFinishedAcks = 1
  b.controller.behavior.duplicateOffers = true
  const job = b.controller.offer(
    first,
    sh('i=0; while [ $i -lt 400 ]; do echo "line $i"; i=$((i+1)); sleep 0.01; done'),
  )
  for (let i = 1; i <= 3; i++) {
    await waitFor('more output', () => job.log.includes(`line ${i * 20}\n`))
    b.controller.cut()
    await waitFor('connected again', () => b.controller.connected())
  }
  await done(job, 30_000)
  expect(job.log.toString()).toBe(Array.from({ length: 400 }, (_, i) => `line ${i}\n`).join(''))
  expect(job.started.length).toBeGreaterThan(0)
  await waitFor('the journal is empty', () => readdirSync(join(b.data, 'jobs')).length === 0, 20_000)
}, 60_000)

test('stale and superseded jobs are ended and forgotten', async () => {
  await using b = await bench()
  const old = b.controller.offer(first, sh('echo $$; sleep 300'))
  await waitFor('output', () => old.log.length > 0)
  b.controller.send({ kind: { case: 'stale', value: { job: old.ref } } })
  await waitFor('it is gone', () => alive(first).length === 0 && readdirSync(join(b.data, 'jobs')).length === 0)
  const next = b.controller.offer(first, sh('echo second'), [], 2)
  await done(next)
  expect(next.log.toString()).toBe('second\n')
})

test('a job that is offered anew while its last attempt is being ended waits for that end', async () => {
  await using b = await bench()
  const old = b.controller.offer(
    first,
    sh('trap "" TERM; echo up; while :; do sleep 0.1; done', { cancelGraceMs: 500 }),
  )
  await waitFor('output', () => old.log.length > 0)
  b.controller.send({ kind: { case: 'stale', value: { job: old.ref } } })
  const next = b.controller.offer(first, sh('echo second'), [], 2)
  expect(await done(next)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(next.log.toString()).toBe('second\n')
})

test('self-fenced jobs end when the controller is out of reach, others go on', async () => {
  await using b = await bench()
  b.controller.behavior = { lostAfterMs: 1500, heartbeatMs: 100 }
  b.controller.cut()
  await waitFor('connected again', () => b.controller.hellos.length > 1)
  const fenced = b.controller.offer(first, sh('sleep 300', { selfFence: true }))
  const kept = b.controller.offer(second, sh('sleep 300'))
  await waitFor('both run', () => fenced.started.length > 0 && kept.started.length > 0)
  b.controller.behavior.silentHeartbeats = true
  await waitFor('the fenced one is dead', () => alive(first).length === 0)
  expect(alive(second).length).toBeGreaterThan(0)
  expect(await done(fenced)).toMatchObject({ outcome: Outcome.LOST })
  b.controller.cancel(second)
  b.controller.behavior.silentHeartbeats = false
  await done(kept)
})

test('SIGTERM drains: the running step ends by itself, offers are refused, the agent ends', async () => {
  await using b = await bench()
  const job = b.controller.offer(first, sh('while [ ! -e go ]; do sleep 0.02; done; echo finished'))
  await waitFor('started', () => job.started.length > 0)
  b.agent.child.kill('SIGTERM')
  await waitFor('draining is told', () => b.controller.drainings > 0)
  const refused = b.controller.offer(second, sh('true'))
  expect(await waitFor('rejected', () => refused.rejected[0])).toBe('draining')
  writeFileSync(join(b.data, 'workspaces/run-1/shared/go'), '')
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(await b.agent.exited).toBe(0)
})

test('a second SIGTERM cancels', async () => {
  await using b = await bench()
  const job = b.controller.offer(first, sh('sleep 300'))
  await waitFor('started', () => job.started.length > 0)
  b.agent.child.kill('SIGTERM')
  await waitFor('draining is told', () => b.controller.drainings > 0)
  b.agent.child.kill('SIGTERM')
  expect(await done(job)).toMatchObject({ outcome: Outcome.CANCELED, reasonCode: 'agent_stopped' })
  expect(await b.agent.exited).toBe(0)
})

test('killed again and again, from before the start to after the end: one run, one result, an exact log', async () => {
  await using b = await bench()
  b.controller.behavior.dropFinishedAcks = 2
  const witness = join(b.data, 'witness')
  const script = `echo start >> ${witness}; i=0; while [ $i -lt 100 ]; do echo "line $i $TOKEN"; i=$((i+1)); sleep 0.02; done`
  const job = b.controller.offer(first, sh(script), [{ name: 'TOKEN', value: 'hush-hush-hush', env: true }])
  for (let i = 0; i < 4; i++) {
    if (i > 0) await waitFor('more output', () => job.log.length > i * 300 || job.finished.length > 0)
    b.agent.child.kill('SIGKILL')
    await b.agent.exited
    await b.restart()
    if (job.accepted.length === 0 && !job.started.length)
      b.controller.send({ kind: { case: 'offer', value: { job: job.ref, spec: job.spec } } })
  }
  await done(job, 30_000)
  expect(job.log.toString()).toBe(Array.from({ length: 100 }, (_, i) => `line ${i} ***\n`).join(''))
  expect(readFileSync(witness, 'utf8')).toBe('start\n')
  expect(new Set(job.finished.map((finished) => `${finished.outcome} ${finished.logSize}`)).size).toBe(1)
  await waitFor('the journal is empty', () => readdirSync(join(b.data, 'jobs')).length === 0, 20_000)
}, 90_000)

test('a job of an agent from before its notes were in one file is taken up with its log, exit code and outputs', async () => {
  await using b = await bench()
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  const folder = join(b.data, 'jobs', first)
  mkdirSync(join(folder, 'run'), { recursive: true })
  const job = b.controller.offer(first, sh('echo', { outputs: ['digest'] }))
  const spec = { runId: 'run-1', stepId: 'step', attempt: 1, workspace: 'shared', shell: { script: 'echo' } }
  const accepted = { ref: job.ref, spec: { ...spec, outputs: ['digest'] }, bootId: bootId() }
  const files = {
    'job.json': JSON.stringify(accepted),
    reader: `${'12345'.padEnd(15)}\n`,
    output: 'digest=1\n',
    'run/claim': '',
    'run/raw': 'before\n',
    'run/state': `${`4194304 1 4194304`.padEnd(31)}\n${'3'.padEnd(15)}\n`,
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  await b.restart()
  expect(await done(job)).toMatchObject({ outcome: Outcome.FAILED, exitCode: 3, outputs: { digest: '1' } })
  expect(job.log.toString()).toBe('before\n')
  await waitFor('the journal is empty', () => readdirSync(join(b.data, 'jobs')).length === 0)
})

test('the start helper is killed: running steps do not notice, the next ones start', async () => {
  await using b = await bench()
  const running = b.controller.offer(first, sh('while [ ! -e go ]; do sleep 0.02; done; echo done'))
  await waitFor('started', () => running.started.length > 0)
  const children = readFileSync(`/proc/${b.agent.child.pid}/task/${b.agent.child.pid}/children`, 'utf8')
    .trim()
    .split(' ')
  const helper = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('ansflow-helper'))
  process.kill(Number(helper), 'SIGKILL')
  const next = b.controller.offer(second, sh('echo next; touch go'))
  expect(await done(next)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(await done(running)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(next.log.toString()).toBe('next\n')
})

test.each(['the step', 'guard', 'run', 'keep'])(
  'what waits for a job is killed, %s: the next job starts all the same, once',
  async (part) => {
    await using b = await bench()
    const [step, guard, run, helper] = await waitFor('a step is ready', () => waitingStep(b.agent.child.pid!))
    const [keep, ...more] = childrenOf(helper).filter((pid) => pid !== run)
    expect([keep, ...more]).toEqual([expect.any(Number)])
    process.kill({ 'the step': step, guard, run, keep }[part]!, 'SIGKILL')
    const job = b.controller.offer(first, sh('echo started'))
    expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
    expect(job.log.toString()).toBe('started\n')
  },
)

/** With all that it descends from, below the agent: the only one there that is so deep. */
function waitingStep(agent: number): [number, number, number, number] | undefined {
  for (const helper of childrenOf(agent))
    for (const run of childrenOf(helper))
      for (const guard of childrenOf(run)) for (const step of childrenOf(guard)) return [step, guard, run, helper]
  return undefined
}

const processIds = () => readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
const childrenOf = (parent: number) => processIds().filter((pid) => parentOf(pid) === parent)

function parentOf(pid: number): number {
  return Number(/\) \S (\d+)/.exec(readOf(pid, 'stat'))?.[1])
}

/** Empty for one that has gone. */
function readOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
