// A job that the controller may repeat elsewhere is dead before it does, whatever has become of the agent. All at the same time,
// since they mostly wait.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { waitFor } from './agent-process.ts'
import { alive, type Bench, done, jobIdOf, sh, startBench } from './bench.ts'
import { Outcome } from './fake-controller.ts'

const LOST_AFTER_MS = 15_000
const withoutCgroups = ['unshare', '--mount', 'sh', '-c', 'umount -a -t cgroup2; exec "$@"', 'sh']

let jobs = 0
const newId = () => jobIdOf(`fence-${++jobs}`)

async function fencedBench(within: string[] = []): Promise<Bench> {
  const b = await startBench({}, within)
  b.controller.behavior = { lostAfterMs: LOST_AFTER_MS, heartbeatMs: 100 }
  b.controller.cut()
  await waitFor('connected again', () => b.controller.hellos.length > 1)
  return b
}

/** Ignores TERM, and has a child that has left its session and parents. */
const stubborn = 'trap "" TERM; (setsid sh -c "while :; do sleep 0.1; done" &); echo up; while :; do sleep 0.1; done'

test.concurrent.each([
  ['frozen', 'SIGSTOP', []],
  ['frozen, without control groups', 'SIGSTOP', withoutCgroups],
  ['killed', 'SIGKILL', []],
  ['killed, without control groups', 'SIGKILL', withoutCgroups],
] as const)(
  'the agent is %s: the job is dead before it may be given to another, others go on',
  async (_name, signal, within) => {
    await using b = await fencedBench([...within])
    const fenced = b.controller.offer(newId(), sh(stubborn, { selfFence: true }))
    const kept = b.controller.offer(newId(), sh('sleep 300'))
    await waitFor('both run', () => fenced.log.length > 0 && kept.started.length > 0)
    let heardAt = 0
    b.controller.onHeard = () => (heardAt = performance.now())
    await waitFor('a heartbeat', () => heardAt > 0)
    b.agent.child.kill(signal)
    await waitFor('the job is dead', () => alive(fenced.ref.jobId).length === 0, 30_000)
    expect(performance.now() - heardAt).toBeLessThan(LOST_AFTER_MS)
    expect(alive(kept.ref.jobId).length).toBeGreaterThan(0)
    if (signal === 'SIGSTOP') b.agent.child.kill('SIGCONT')
    else await b.restart()
    expect(await done(fenced)).toMatchObject({ outcome: Outcome.LOST, reasonCode: 'lost' })
    b.controller.cancel(kept.ref.jobId)
    expect(await done(kept)).toMatchObject({ outcome: Outcome.CANCELED })
  },
  60_000,
)

test.concurrent('while the controller is there the fence moves on', async () => {
  await using b = await fencedBench()
  b.controller.behavior.lostAfterMs = 3000
  b.controller.cut()
  await waitFor('connected again', () => b.controller.hellos.length > 2)
  const job = b.controller.offer(newId(), sh('sleep 5; echo whole', { selfFence: true }))
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(job.log.toString()).toBe('whole\n')
}, 60_000)

test.concurrent('a restart of the agent is no contact: the fence stays where it was', async () => {
  await using b = await fencedBench()
  const job = b.controller.offer(newId(), sh(stubborn, { selfFence: true }))
  await waitFor('it runs', () => job.log.length > 0)
  let heardAt = 0
  b.controller.onHeard = () => (heardAt = performance.now())
  await waitFor('a heartbeat', () => heardAt > 0)
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  b.controller.behavior.silentHeartbeats = true
  b.controller.behavior.refuse = true
  b.startAgain()
  await waitFor('the job is dead', () => alive(job.ref.jobId).length === 0, 30_000)
  expect(performance.now() - heardAt).toBeLessThan(LOST_AFTER_MS)
}, 60_000)

test.concurrent('an agent that was frozen too long does not start what it is told to start then', async () => {
  await using b = await fencedBench()
  b.controller.behavior.noStart = true
  const ran = join(b.data, 'ran')
  const job = b.controller.offer(newId(), sh(`touch ${ran}`, { selfFence: true }))
  await waitFor('accepted', () => job.accepted.length > 0)
  const heardAt = performance.now()
  b.agent.child.kill('SIGSTOP')
  b.controller.send({ kind: { case: 'start', value: { job: job.ref } } })
  await waitFor('it is given up', () => performance.now() - heardAt > LOST_AFTER_MS, 30_000)
  const { length: hellos } = b.controller.hellos
  b.agent.child.kill('SIGCONT')
  // Which of them it notices first is a matter of luck: a connection that has waited too long takes what was sent over it along.
  await waitFor('it has read it, or lost it', () => job.finished.length > 0 || b.controller.hellos.length > hellos)
  if (job.finished.length > 0) expect(await done(job)).toMatchObject({ outcome: Outcome.LOST })
  expect(existsSync(ran)).toBe(false)
  expect(job.started).toEqual([])
}, 60_000)
