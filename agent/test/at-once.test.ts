// Offers that are their jobs' starts: such a job runs once, however its controller, its link and its agent behave, and nothing runs of
// which a hello has not told.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, inject, test } from 'vitest'
import { waitFor } from './agent-process.ts'
import { type Bench, done, jobIdOf, sh, startBench } from './bench.ts'
import { Outcome } from './fake-controller.ts'

const first = jobIdOf('at-once-1')
const second = jobIdOf('at-once-2')

async function bench(env?: Record<string, string>): Promise<Bench> {
  const b = await startBench(env)
  b.controller.behavior.startsAtOnce = true
  return b
}

test('a job runs at its offer, and its end is all that is told; its secrets are in no file of the journal', async () => {
  await using b = await bench()
  const secret = 'hush-hush-hush'
  const script = 'echo "got $TOKEN"; while [ ! -e go ]; do sleep 0.02; done'
  const job = b.controller.offer(first, sh(script), [{ name: 'TOKEN', value: secret, env: true }])
  await waitFor('it has started', () => job.started[0])
  expect(job.accepted).toEqual([])
  for (const name of readdirSync(join(b.data, 'jobs', first))) {
    // What the step itself printed is masked before it leaves the host.
    if (name !== 'raw') expect(readFileSync(join(b.data, 'jobs', first, name), 'latin1'), name).not.toContain(secret)
  }
  writeFileSync(join(b.data, 'workspaces/run-1/shared/go'), '')
  await done(job)
  expect(job.log.toString()).toBe('got ***\n')
  const quick = b.controller.offer(second, sh('true'))
  expect(await done(quick)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(quick.finished[0]?.startedAt).toBeDefined()
})

test('an offer that comes twice, at once or after its job has ended, runs once', async () => {
  await using b = await bench()
  b.controller.behavior.duplicateOffers = true
  const witness = join(b.data, 'witness')
  const job = b.controller.offer(first, sh(`echo ran >> ${witness}`))
  await done(job)
  await waitFor('the journal is empty', () => readdirSync(join(b.data, 'jobs')).length === 0)
  b.controller.send({ kind: { case: 'offer', value: { job: job.ref, spec: job.spec, start: true } } })
  await done(b.controller.offer(second, sh('true')))
  expect(readFileSync(witness, 'utf8')).toBe('ran\n')
  expect(job.finished).toHaveLength(1)
})

test('killed right behind an offer: what the next hello names runs once, what it does not name never runs', async () => {
  await using b = await bench()
  for (let round = 0; round < 6; round++) {
    const id = jobIdOf(`killed-${round}`)
    const witness = join(b.data, `witness-${round}`)
    const job = b.controller.offer(id, sh(`echo ran >> ${witness}`))
    await delay(round)
    b.agent.child.kill('SIGKILL')
    await b.agent.exited
    await b.restart()
    const hello = b.controller.hellos.at(-1)!
    const isNamed = hello.jobs.some((snapshot) => snapshot.job?.jobId === id)
    if (isNamed || job.finished.length > 0) await done(job)
    else await done(b.controller.offer(jobIdOf(`after-${round}`), sh('true')))
    expect([isNamed || job.finished.length > 0, existsSync(witness) && readFileSync(witness, 'utf8')]).toEqual(
      isNamed || job.finished.length > 0 ? [true, 'ran\n'] : [false, false],
    )
  }
}, 60_000)

test('killed again and again while it runs: one run, one result, an exact log', async () => {
  await using b = await bench()
  const witness = join(b.data, 'witness')
  const script = `echo start >> ${witness}; i=0; while [ $i -lt 60 ]; do echo "line $i $TOKEN"; i=$((i+1)); sleep 0.02; done`
  const job = b.controller.offer(first, sh(script), [{ name: 'TOKEN', value: 'hush-hush-hush', env: true }])
  for (let i = 0; i < 3; i++) {
    await waitFor('more output', () => job.log.length > i * 150)
    b.agent.child.kill('SIGKILL')
    await b.agent.exited
    await b.restart()
  }
  await done(job, 30_000)
  expect(job.log.toString()).toBe(Array.from({ length: 60 }, (_, i) => `line ${i} ***\n`).join(''))
  expect(readFileSync(witness, 'utf8')).toBe('start\n')
}, 60_000)

test('an agent that was frozen for too long asks before it starts what it was offered', async () => {
  await using b = await bench()
  b.controller.behavior = { startsAtOnce: true, noStart: true, lostAfterMs: 1000, heartbeatMs: 100 }
  b.controller.cut()
  await waitFor('connected again', () => b.controller.hellos.length > 1)
  b.agent.child.kill('SIGSTOP')
  const job = b.controller.offer(first, sh(`touch ${b.data}/ran`))
  await delay(1200)
  b.agent.child.kill('SIGCONT')
  const accept = await waitFor('it is accepted', () => job.accepted[0])
  expect([accept.starts, existsSync(join(b.data, 'ran'))]).toEqual([false, false])
  b.controller.send({ kind: { case: 'start', value: { job: job.ref } } })
  await done(job)
  expect(existsSync(join(b.data, 'ran'))).toBe(true)
})

test('an offer that waits for the end of an older epoch is named in heartbeats, and forgotten with its stream', async () => {
  await using b = await startBench({}, [], inject('phasedAgentBundle'))
  b.controller.behavior.startsAtOnce = true
  const dir = join(b.data, 'phased')
  mkdirSync(dir)
  for (const file of ['prepare.go', 'before.go']) writeFileSync(join(dir, file), '')
  const old = b.controller.offer(first, { execution: { case: 'checkout', value: { url: dir } } })
  await waitFor('it runs', () =>
    (existsSync(join(dir, 'trace')) ? readFileSync(join(dir, 'trace'), 'utf8') : '').includes('main begins'),
  )
  b.controller.send({ kind: { case: 'stale', value: { job: old.ref } } })
  const next = b.controller.offer(first, sh(`touch ${b.data}/ran`), [], 2)
  const isNamed = () => b.controller.running.some(({ jobId, epoch }) => jobId === first && epoch === 2)
  await waitFor('a heartbeat names it', isNamed)
  b.controller.cut()
  await waitFor('connected again', () => b.controller.hellos.length > 1)
  expect(b.controller.hellos[1]!.jobs.some(({ job }) => job?.epoch === 2)).toBe(false)
  // It is cleaned up after until now.
  writeFileSync(join(dir, 'cleanUp.go'), '')
  await waitFor('the old one is gone', () => !existsSync(join(b.data, 'jobs', first)))
  await done(b.controller.offer(second, sh('true')))
  expect([next.finished, existsSync(join(b.data, 'ran'))]).toEqual([[], false])
})

test('an agent that leaves refuses the offer that was on its way', async () => {
  await using b = await bench()
  b.controller.onHeard = () => {
    if (b.controller.drainings === 1 && !b.controller.jobs.has(first)) b.controller.offer(first, sh('true'))
  }
  b.agent.child.kill('SIGTERM')
  expect(await b.agent.exited).toBe(0)
  expect(b.controller.jobs.get(first)?.rejected).toEqual(['draining'])
})

test('the folders of jobs that come all at once, and so begin before their helpers are there, are used again', async () => {
  await using b = await bench({ ANSFLOW_AGENT_SLOTS: '6' })
  const all = Array.from({ length: 6 }, (_, i) => b.controller.offer(jobIdOf(`burst-${i}`), sh('true')))
  await Promise.all(all.map((job) => done(job)))
  await waitFor('all of them have come back', () => readdirSync(join(b.data, 'ready')).length >= 6)
})
