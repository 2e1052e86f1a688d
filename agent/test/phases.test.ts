// A job's phases, by a kind of which the rest of the agent knows nothing: the order, what ends them, and the death of the agent in each.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { phases } from '../src/steps/step-kind.ts'
import { waitFor } from './agent-process.ts'
import { type Bench, done, jobIdOf, startBench } from './bench.ts'
import { type FakeJob, Outcome } from './fake-controller.ts'

const start = () => startBench({}, [], inject('phasedAgentBundle'))

let b: Bench
beforeAll(async () => {
  b = await start()
})
afterAll(() => b[Symbol.asyncDispose]())

let jobs = 0

interface Phased {
  job: FakeJob
  trace(): string[]
  set(file: string): void
  /** It is in this phase. */
  reached(phase: string): Promise<unknown>
  hasNetwork(): boolean
}

/** Files say what each phase does: `<phase>.go`, `.fail`, `.deaf`. */
function offered(bench: Bench, files: string[], more: object = {}): Phased {
  const id = jobIdOf(`phases-${++jobs}`)
  const dir = join(bench.data, id)
  mkdirSync(dir)
  const set = (file: string) => writeFileSync(join(dir, file), '')
  for (const file of files) set(file)
  const spec = { execution: { case: 'checkout' as const, value: { url: dir } }, ...more }
  const job = bench.controller.offer(id, spec, [{ name: 'TOKEN', value: 'hush-hush-hush' }])
  const trace = () =>
    existsSync(join(dir, 'trace')) ? readFileSync(join(dir, 'trace'), 'utf8').trimEnd().split('\n') : []
  const reached = (phase: string) => waitFor(`it is in ${phase}`, () => trace().includes(`${phase} begins`))
  return { job, trace, set, reached, hasNetwork: () => existsSync(join(dir, 'network')) }
}

const allGo = phases.map((phase) => `${phase}.go`)
const goBut = (phase: string) => allGo.filter((file) => file !== `${phase}.go`)
const whole = (phase: string) => [`${phase} begins`, `${phase} ends`]
/** All of a job that nothing disturbs. */
const log = `[ansflow] prepare knows ***
[ansflow] before knows ***
main prints
main is over
[ansflow] after knows ***
`

test('all phases run in their order, around a main of its own', async () => {
  const { job, trace, hasNetwork } = offered(b, allGo)
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED, exitCode: 0, outputs: { uploaded: '0' } })
  expect(trace()).toEqual(phases.flatMap(whole))
  expect(job.log.toString()).toBe(log)
  expect(job.started).toHaveLength(1)
  expect(hasNetwork()).toBe(false)
})

test.each([
  ['prepare', { outcome: Outcome.FAILED, reason: 'prepare fails.', reasonCode: 'agent_error' }],
  ['before', { outcome: Outcome.FAILED, reason: 'before fails.', reasonCode: 'agent_error' }],
  ['main', { outcome: Outcome.FAILED, exitCode: 1, reasonCode: 'exit_code', outputs: { uploaded: '1' } }],
  ['after', { outcome: Outcome.FAILED, exitCode: 0, reason: 'after fails.' }],
  ['cleanUp', { outcome: Outcome.SUCCEEDED, exitCode: 0, outputs: { uploaded: '0' } }],
] as const)('%s fails: what is told is that, and what had begun is cleaned up', async (failing, expected) => {
  const { job, trace, hasNetwork } = offered(b, [...allGo, `${failing}.fail`])
  expect(await done(job)).toMatchObject(expected)
  const ran = failing === 'main' || failing === 'cleanUp' ? phases : phases.slice(0, phases.indexOf(failing) + 1)
  const ends = (phase: string) => (phase === failing && phase !== 'main' ? [`${phase} begins`] : whole(phase))
  expect(trace()).toEqual([...new Set([...ran, 'cleanUp'])].flatMap(ends))
  expect(hasNetwork()).toBe(failing === 'cleanUp')
  if (failing === 'cleanUp') expect(job.log.toString()).toContain('It could not be cleaned up: cleanUp fails.')
})

test.each([
  ['cancel', 'prepare'],
  ['cancel', 'before'],
  ['cancel', 'main'],
  ['cancel', 'after'],
  ['timeout', 'prepare'],
  ['timeout', 'before'],
  ['timeout', 'main'],
  ['timeout', 'after'],
] as const)('%s reaches %s; nothing begins after it but the clean up', async (what, phase) => {
  const { job, trace, reached, hasNetwork } = offered(b, goBut(phase), what === 'timeout' ? { timeoutMs: 1500 } : {})
  await reached(phase)
  if (what === 'cancel') b.controller.cancel(job.ref.jobId)
  const outcome = what === 'cancel' ? Outcome.CANCELED : Outcome.TIMED_OUT
  expect(await done(job)).toMatchObject({ outcome })
  const before = phases.slice(0, phases.indexOf(phase))
  expect(trace()).toEqual([
    ...before.flatMap(whole),
    `${phase} begins`,
    `${phase} is asked to end`,
    ...whole('cleanUp'),
  ])
  expect(hasNetwork()).toBe(false)
})

test('a phase that does not end when it is asked to is left alone after the grace period', async () => {
  const { job, trace, reached, set } = offered(b, [...goBut('before'), 'before.deaf'], { cancelGraceMs: 200 })
  await reached('before')
  b.controller.cancel(job.ref.jobId)
  expect(await done(job)).toMatchObject({ outcome: Outcome.CANCELED })
  expect(trace()).toEqual([...whole('prepare'), 'before begins', ...whole('cleanUp')])
  set('before.go')
})

test('a clean up is not canceled: the job has ended, and how is told', async () => {
  const { job, reached, set, hasNetwork } = offered(b, goBut('cleanUp'))
  await reached('cleanUp')
  b.controller.cancel(job.ref.jobId)
  set('cleanUp.go')
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(hasNetwork()).toBe(false)
})

test('a job that is given up is cleaned up in whatever phase it is', async () => {
  for (const phase of phases) {
    const { job, reached, set, hasNetwork } = offered(b, goBut(phase))
    await reached(phase)
    b.controller.send({ kind: { case: 'stale', value: { job: job.ref } } })
    if (phase === 'cleanUp') set('cleanUp.go')
    await waitFor('it is gone', () => !existsSync(join(b.data, 'jobs', job.ref.jobId)))
    expect(hasNetwork()).toBe(false)
  }
})

test.each(phases)(
  'the agent is killed in %s: it is begun anew, main is taken up, all else happens once',
  async (phase) => {
    await using b = await start()
    const { job, trace, reached, set, hasNetwork } = offered(b, goBut(phase))
    await reached(phase)
    if (phase === 'main') await waitFor('it has printed', () => job.log.includes('main prints'))
    b.agent.child.kill('SIGKILL')
    await b.agent.exited
    await b.restart()
    expect(b.controller.hellos[1]!.jobs).toMatchObject([{ phase: 2, job: job.ref }])
    if (phase !== 'main') {
      await waitFor('it has begun anew', () => trace().filter((line) => line === `${phase} begins`).length === 2)
    }
    set(`${phase}.go`)
    expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED, exitCode: 0, outputs: { uploaded: '0' } })
    const anew = (each: string) =>
      each === phase && phase !== 'main' ? [`${each} begins`, ...whole(each)] : whole(each)
    expect(trace()).toEqual(phases.flatMap(anew))
    const lines = job.log.toString().split('\n')
    expect([...new Set(lines)].join('\n')).toBe(log)
    expect(lines.filter((line) => line.startsWith('main'))).toHaveLength(2)
    expect(hasNetwork()).toBe(false)
  },
)

test.concurrent.each(phases)(
  'the agent is killed in %s, and the job given up meanwhile: it is cleaned up',
  async (phase) => {
    await using b = await start()
    const { job, trace, reached, hasNetwork, set } = offered(b, goBut(phase))
    await reached(phase)
    b.agent.child.kill('SIGKILL')
    await b.agent.exited
    b.controller.jobs.delete(job.ref.jobId)
    set('cleanUp.go')
    await b.restart()
    await waitFor('nothing is left', () => !existsSync(join(b.data, 'jobs', job.ref.jobId)) && !hasNetwork())
    expect(trace().at(-1)).toBe('cleanUp ends')
  },
)
