// Folders are there before their jobs and are used again: nothing of one job reaches another, and wherever the agent is killed between
// two jobs of a folder, no job is lost, doubled or made up.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { bootId } from '../src/process/process-table.ts'
import { waitFor } from './agent-process.ts'
import { type Bench, done, jobIdOf, sh, startBench, tempOf } from './bench.ts'
import { Outcome } from './fake-controller.ts'

const withoutCgroups = ['unshare', '--mount', 'sh', '-c', 'umount -a -t cgroup2; exec "$@"', 'sh']
let jobs = 0
const newId = () => jobIdOf(`lane-${++jobs}`)

const journal = (b: Bench) => readdirSync(join(b.data, 'jobs'))
const ready = (b: Bench) => readdirSync(join(b.data, 'ready'))
async function killed(b: Bench): Promise<void> {
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
}

test.each([
  ['with control groups', []],
  ['without', withoutCgroups],
])('one job after another: what each leaves is not found by the next, %s', async (_name, within) => {
  await using b = await startBench({ ANSFLOW_AGENT_SLOTS: '1' }, within)
  const seen = 'ls -A "$TMPDIR"; cat "$ANSFLOW_OUTPUT"; ls -A "$(dirname "$ANSFLOW_OUTPUT")" | grep left || true'
  // Some of it comes when the next jobs run.
  const leaves = `(i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo late=1 >>"$ANSFLOW_OUTPUT"; echo late; sleep 0.02; done) &
    echo made >"$TMPDIR/left"; echo own=1 >>"$ANSFLOW_OUTPUT"; echo "::add-mask::hidden"; echo hidden`
  for (let i = 0; i < 12; i++) {
    const job = b.controller.offer(
      newId(),
      sh(`${seen}; echo ${i}; ${i % 2 === 0 ? leaves : 'true'}`, { outputs: ['own'] }),
    )
    const finished = await done(job)
    expect(finished).toMatchObject({ outcome: Outcome.SUCCEEDED, outputs: i % 2 === 0 ? { own: '1' } : {} })
    const [first, ...more] = job.log.toString().split('\n')
    expect(first).toBe(String(i))
    if (i % 2 === 1) expect(more).toEqual([''])
  }
  // Nor by anybody else.
  await waitFor('nothing of them is on the disk', () => {
    const found = spawnSync('grep', ['-rlE', 'late=1|hidden|own=1', b.data], { encoding: 'utf8' }).stdout
    return found === '' && journal(b).length === 0
  })
})

test('what the first line of a job masks is masked, also in a folder that is used again', async () => {
  await using b = await startBench({ ANSFLOW_AGENT_SLOTS: '1' })
  for (let i = 0; i < 6; i++) {
    const job = b.controller.offer(newId(), sh(`echo "::add-mask::first-line-${i}"; echo "it is first-line-${i}"`))
    expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
    await waitFor('all of its log has come', () => job.log.toString().includes('it is'))
    expect(job.log.toString()).not.toContain(`first-line-${i}`)
  }
})

test('a step that makes something else of its folder keeps its mess: the next job has another', async () => {
  await using b = await startBench({ ANSFLOW_AGENT_SLOTS: '1' })
  const own = 'cd "$(dirname "$ANSFLOW_OUTPUT")"'
  for (const script of [
    'mkdir deep',
    'rm raw; echo x >raw',
    'rm job',
    'rm output; ln -s /etc/passwd output',
    'chmod 0 script',
    'ln -s /etc hole',
  ]) {
    const job = b.controller.offer(newId(), sh(`${own}; ${script}`))
    await waitFor(`"${script}" has finished`, () => job.finished[0])
    const next = b.controller.offer(newId(), sh('echo "$TOKEN-line"; exit 3'), [
      { name: 'TOKEN', value: 'a-secret', env: true },
    ])
    expect(await done(next)).toMatchObject({ exitCode: 3 })
    expect(next.log.toString()).toBe('***-line\n')
  }
  expect(readFileSync('/etc/passwd', 'utf8')).toContain('root:')
})

test('the time of a step counts from its begin, however long a helper has waited for it', async () => {
  await using b = await startBench()
  await waitFor('a folder is ready', () => ready(b).length > 0)
  await delay(1500)
  const before = Date.now()
  const job = b.controller.offer(newId(), sh('sleep 0.1', { timeoutMs: 1200 }))
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  // The host's uptime is told in hundredths of a second.
  expect(Number(job.started[0]!.at!.seconds) * 1000 + job.started[0]!.at!.nanos / 1e6).toBeGreaterThan(before - 20)
})

test('an agent that was killed before a folder became a job, or after it was one, knows no job of it and removes it', async () => {
  await using b = await startBench()
  const job = b.controller.offer(newId(), sh(`echo ran >> ${b.data}/ran; sleep 300`))
  await waitFor('it runs', () => job.started.length > 0)
  const folder = join(b.data, 'jobs', job.ref.jobId)
  // As it is right before it becomes the job, with all that was accepted in it; and right after it was taken back.
  for (const name of ['accepted', 'ended']) cpSync(folder, join(b.data, 'ready', name), { recursive: true })
  const temp = tempOf(folder)!
  b.controller.cancel(job.ref.jobId)
  await done(job)
  await waitFor('the journal is empty', () => journal(b).length === 0)
  await killed(b)
  mkdirSync(temp, { recursive: true })
  const before = ready(b)
  expect(before).toEqual(expect.arrayContaining(['accepted', 'ended']))
  await b.restart()
  expect(b.controller.hellos[1]!.jobs).toEqual([])
  await waitFor('all of it is gone', () => !existsSync(temp) && before.every((name) => !ready(b).includes(name)))
  expect(readFileSync(join(b.data, 'ran'), 'utf8')).toBe('ran\n')
  // The same job again is another one.
  const again = b.controller.offer(job.ref.jobId, sh('echo again'), [], 2)
  expect(await done(again)).toMatchObject({ outcome: Outcome.SUCCEEDED })
})

test('killed again and again while short jobs follow each other: each runs once, with its own output and end', {
  timeout: 120_000,
}, async () => {
  await using b = await startBench()
  const witness = join(b.data, 'witness')
  const all = Array.from({ length: 60 }, (_, i) => ({ i, id: newId() }))
  const offered = all.map(
    ({ i, id }) =>
      () =>
        b.controller.offer(
          id,
          sh(`echo ${i} >>${witness}; echo "line of ${i}"; echo "n=${i}" >>"$ANSFLOW_OUTPUT"; exit ${i % 7}`, {
            outputs: ['n'],
          }),
        ),
  )
  for (let round = 0; round < 15; round++) {
    const four = offered.slice(round * 4, round * 4 + 4).map((offer) => offer())
    // At another moment of their lives each time.
    if (round % 3 > 0) {
      const heard = round
      let count = 0
      await new Promise<void>((resolve) => {
        b.controller.onHeard = () => ++count > heard && resolve()
      })
      await killed(b)
      await b.restart()
      for (const job of four)
        if (job.accepted.length === 0)
          b.controller.send({ kind: { case: 'offer', value: { job: job.ref, spec: job.spec } } })
    }
    for (const [i, job] of four.entries()) {
      const n = round * 4 + i
      expect(await done(job)).toMatchObject({ exitCode: n % 7, outputs: { n: String(n) } })
      expect(job.log.toString()).toBe(`line of ${n}\n`)
    }
  }
  expect(
    readFileSync(witness, 'utf8')
      .trim()
      .split('\n')
      .map(Number)
      .sort((x, y) => x - y),
  ).toEqual(all.map(({ i }) => i))
  await waitFor('the journal is empty', () => journal(b).length === 0, 20_000)
})

test.each([
  ['nobody has begun', undefined],
  ['the agent was killed while it took the job over', 0o440],
])('a job that an agent from before has accepted, %s: it runs once, begun by this one', async (_name, mode) => {
  await using b = await startBench()
  b.controller.behavior.noStart = true
  await killed(b)
  const job = b.controller.offer(newId(), sh('echo new'))
  const folder = join(b.data, 'jobs', job.ref.jobId)
  mkdirSync(folder)
  const spec = { runId: 'run-1', stepId: 'step', attempt: 1, workspace: 'shared', shell: { script: 'echo new' } }
  const accepted = { ref: job.ref, spec, bootId: bootId(), temp: join(b.data, 'temp') }
  const blank = [31, 15, 15, 1023].map((length) => `${' '.repeat(length)}\n`).join('')
  writeFileSync(join(folder, 'job'), `${blank}${JSON.stringify(accepted)}\n`)
  if (mode !== undefined) {
    writeFileSync(join(folder, 'raw'), '')
    chmodSync(join(folder, 'raw'), mode)
  }
  await b.restart()
  expect(b.controller.hellos[1]!.jobs).toMatchObject([{ phase: 1 }])
  // What a helper of that agent would make now, to begin the job.
  expect(() => writeFileSync(join(folder, 'raw'), '', { flag: 'wx' })).toThrow('EEXIST')
  b.controller.send({ kind: { case: 'start', value: { job: job.ref } } })
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(job.log.toString()).toBe('new\n')
})

test('a job that an agent from before has begun goes on as that began it', async () => {
  await using b = await startBench()
  await killed(b)
  const job = b.controller.offer(newId(), sh('echo'))
  const folder = join(b.data, 'jobs', job.ref.jobId)
  mkdirSync(folder)
  const spec = { runId: 'run-1', stepId: 'step', attempt: 1, workspace: 'shared', shell: { script: 'echo' } }
  const accepted = { ref: job.ref, spec, bootId: bootId(), temp: join(b.data, 'temp') }
  const notes = ['4194304 1 4194304'.padEnd(31), '4'.padEnd(15), ':12345'.padEnd(15), ' '.repeat(1023)]
  writeFileSync(join(folder, 'job'), `${notes.join('\n')}\n${JSON.stringify(accepted)}\n`)
  writeFileSync(join(folder, 'raw'), 'printed before\n')
  await b.restart()
  expect(await done(job)).toMatchObject({ outcome: Outcome.FAILED, exitCode: 4 })
  expect(job.log.toString()).toBe('printed before\n')
})

test('the helper of a ready folder is killed before the job comes, and after: it starts all the same, once', async () => {
  await using b = await startBench()
  const witness = join(b.data, 'witness')
  for (const when of ['before', 'after']) {
    await waitFor('one is ready', () => ready(b).length > 0)
    const { pid } = b.agent.child
    const helpers = () =>
      readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
    if (when === 'before') for (const helper of helpers()) process.kill(helper, 'SIGKILL')
    b.controller.behavior.noStart = true
    const job = b.controller.offer(newId(), sh(`echo ${when} >>${witness}`))
    await waitFor('accepted', () => job.accepted.length > 0)
    if (when === 'after') for (const helper of helpers()) process.kill(helper, 'SIGKILL')
    b.controller.send({ kind: { case: 'start', value: { job: job.ref } } })
    expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  }
  expect(readFileSync(witness, 'utf8')).toBe('before\nafter\n')
})
