// Everything is killed again and again under load: no run, step or byte of a log is lost or doubled.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunStatus } from '@ansflow/proto/status'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startMariadb } from '../../deploy/dev/test-servers.ts'
import { startCluster } from '../setup/cluster.ts'
import { type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

const kills = 12
const atOnce = 6
const branches = 4
const lines = 120
/** Each of a, its branches, and c. */
const stepsOfARun = branches + 2

let witness: string
beforeEach(async () => {
  witness = await mkdtemp(join(tmpdir(), 'ansflow-kills-'))
})
afterEach(() => rm(witness, { recursive: true, force: true }))

/** Notes its start outside of the system, then prints numbered lines for a while. */
const script = (stepId: string) => `echo "$ANSFLOW_RUN_ID ${stepId} $ANSFLOW_ATTEMPT" >> ${join(witness, 'starts')}
i=1
while [ $i -le ${lines} ]; do
  echo "${stepId} $i: some words to make the line longer"
  [ $((i % 20)) -ne 0 ] || sleep 0.1
  i=$((i + 1))
done`

function yaml(): string {
  const step = (id: string, needs: string[]) =>
    `  ${id}:\n    needs: [${needs.join(', ')}]\n    run: |\n${script(id).replace(/^/gm, '      ')}\n`
  const middle = Array.from({ length: branches }, (_, n) => `b${n}`)
  return `name: kills\nsteps:\n${step('a', [])}${middle.map((id) => step(id, ['a'])).join('')}${step('c', middle)}`
}

const whole = (stepId: string) =>
  Array.from({ length: lines }, (_, i) => `${stepId} ${i + 1}: some words to make the line longer\n`).join('')

/** Keeps runs going while `kill` is called; answers the ids of all whose start was answered. */
async function underLoad(system: System, kill: (nth: number) => Promise<void>): Promise<string[]> {
  const { pipelineId } = await system.pipeline(yaml())
  const started: string[] = []
  let key = 0
  /** With a key, so that a start whose answer was lost is said again. */
  const start = async () => {
    const idempotencyKey = `start ${key++}`
    await waitFor(
      async () => {
        const { run } = await system.api.runs.startRun({ pipelineId, idempotencyKey })
        if (run) started.push(run.id)
        return run
      },
      { what: 'a run is started', timeoutMs: 90_000 },
    )
  }
  for (let nth = 0; nth < kills; nth++) {
    await Promise.all(Array.from({ length: nth === 0 ? atOnce : 2 }, start))
    await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 1200))
    await kill(nth)
  }
  return started
}

async function nothingLostOrDoubled(system: System, runIds: string[]): Promise<void> {
  expect(new Set(runIds).size).toBe(runIds.length)
  const wrong: string[] = []
  for (const runId of runIds) {
    const run = await system.ended(runId, 240_000)
    if (run.status !== RunStatus.SUCCEEDED) wrong.push(`${runId} is ${RunStatus[run.status]}: ${run.reason}`)
    for (const { id, attempts } of run.steps) {
      if (attempts.length !== 1) wrong.push(`${runId} ${id} has ${attempts.length} attempts`)
      if ((await system.wholeLog(runId, id)) !== whole(id)) wrong.push(`${runId} ${id} has another log`)
    }
  }
  const starts = (await readFile(join(witness, 'starts'), 'utf8')).trim().split('\n')
  if (new Set(starts).size !== starts.length) wrong.push('a step has started twice')
  if (starts.length !== runIds.length * stepsOfARun) wrong.push(`${starts.length} starts of ${runIds.length} runs`)
  expect(wrong).toEqual([])
  process.stdout.write(`${runIds.length} runs, ${starts.length} step starts, ${kills} kills: nothing lost or doubled\n`)
}

const minutes = 60_000

test('the controller, on SQLite', { timeout: 10 * minutes }, async () => {
  await using system = await startSystem({ slots: 8 })
  const runs = await underLoad(system, async () => {
    await system.killController()
    await system.startController()
  })
  await nothingLostOrDoubled(system, runs)
})

test('the agent', { timeout: 10 * minutes }, async () => {
  await using system = await startSystem({ slots: 8 })
  const runs = await underLoad(system, async () => {
    await system.agents[0]?.kill()
    await system.agents[0]?.start()
  })
  await nothingLostOrDoubled(system, runs)
})

test('the controller and the agent together', { timeout: 10 * minutes }, async () => {
  await using system = await startSystem({ slots: 8 })
  const runs = await underLoad(system, async () => {
    await Promise.all([system.killController(), system.agents[0]?.kill()])
    await system.startController()
    await system.agents[0]?.start()
  })
  await nothingLostOrDoubled(system, runs)
})

test('the database', { timeout: 10 * minutes }, async () => {
  const server = await startMariadb({ durable: true })
  try {
    await using system = await startSystem({ slots: 8, env: { ANSFLOW_DATABASE_URL: `${server.url}kills` } })
    const runs = await underLoad(system, () => server.crash())
    await nothingLostOrDoubled(system, runs)
  } finally {
    await server.stop()
  }
})

test('two controllers on MariaDB and NATS, one after the other', { timeout: 10 * minutes }, async () => {
  await using cluster = await startCluster()
  const { first, second } = cluster
  await second.addAgent({ slots: 4, name: 'another' })
  const runs = await underLoad(second, async (nth) => {
    const system = nth % 2 === 0 ? first : second
    await system.killController()
    await system.startController()
  })
  await nothingLostOrDoubled(second, runs)
})
