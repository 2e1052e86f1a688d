// `npm start` while it runs: whatever of it is killed, runs go on; and what a step of its agent finds on the host.

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { stepsFolder } from '../../agent/src/process/step-user.ts'
import { controllerProgram } from '../../deploy/dev/controller-node.ts'
import { keepRunning } from '../../deploy/dev/keep-running.ts'
import { root } from '../../deploy/dev/run-command.ts'
import { Product, processesOf } from '../setup/npm-start.ts'
import { waitFor } from '../setup/wait-for.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ansflow-npm-start-'))
})
afterEach(() => {
  for (const { pid } of processesOf(folder)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It went with another one.
    }
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const programs = {
  controller: controllerProgram,
  'local agent': 'agent/dist/ansflow-agent.mjs',
  'start.ts': 'deploy/dev/start.ts',
  'dev.mjs': 'scripts/dev.mjs',
}
const running = (name: keyof typeof programs) =>
  processesOf(folder).filter(({ command }) => command.includes(programs[name]))

/** A step that runs until the test lets it go. */
async function startRun(byNpm = false) {
  const product = await Product.start(folder, {}, byNpm)
  const runId = await product.run(`echo up > ${folder}/up; while [ ! -e ${folder}/go ]; do sleep 0.1; done; echo done`)
  await waitFor(() => readdirSync(folder).includes('up'), { what: 'the step runs', detail: product.now.output })
  return { product, runId }
}

const untilGone = () =>
  waitFor(() => Object.keys(programs).every((name) => running(name as keyof typeof programs).length === 0), {
    what: 'nothing of the product is left',
    timeoutMs: 30_000,
  })

/** The kill of a part of the product in the midst of a step. */
async function killDuringRun(name: keyof typeof programs, signal: NodeJS.Signals = 'SIGKILL') {
  const { product, runId } = await startRun()
  const [{ pid } = { pid: 0 }, ...others] = running(name)
  expect(others).toEqual([])
  process.kill(pid, signal)
  return { product, runId, pid }
}

async function goesOn(product: Product, runId: string, before = async () => {}) {
  writeFileSync(join(folder, 'go'), '')
  expect(await product.end(runId)).toBe('RUN_STATUS_SUCCEEDED')
  await waitFor(async () => (await product.log(runId)) === 'done\n', { what: 'the log is complete' })
  await before()
  product.now.child.kill('SIGTERM')
  await product.now.ended
  expect(processesOf(folder)).toEqual([])
}

test.each(['controller', 'local agent'] as const)(
  'the %s is killed: it is started again, the run goes on',
  async (name) => {
    const { product, runId, pid } = await killDuringRun(name)
    await product.connected(2)
    expect(product.now.output()).toContain(`ansflow: the ${name} ended (SIGKILL); starting it again.`)
    expect(running(name).map((one) => one.pid)).not.toContain(pid)
    await goesOn(product, runId)
  },
  120_000,
)

test('the controller alone is asked to end: it is started again, the run goes on', async () => {
  const { product, runId } = await killDuringRun('controller', 'SIGTERM')
  await product.connected(2)
  expect(product.now.output()).toContain('ansflow: the controller ended (code 0); starting it again.')
  await goesOn(product, runId)
}, 120_000)

test('the local agent alone is asked to end: it ends with its step, and is started again', async () => {
  const { product, runId } = await killDuringRun('local agent', 'SIGTERM')
  await goesOn(product, runId, () => product.connected(2))
  expect(product.now.output()).toContain('ansflow: the local agent ended (code 0); starting it again.')
}, 120_000)

test.each(['start.ts', 'dev.mjs'] as const)(
  '%s is killed: all but the step ends, and the next start takes it up',
  async (name) => {
    const { product, runId } = await killDuringRun(name)
    await untilGone()
    expect(processesOf(folder)).not.toEqual([])
    await product.start()
    await goesOn(product, runId)
  },
  120_000,
)

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s that reaches npm alone ends all, the step too',
  async (signal) => {
    const { product } = await startRun(true)
    product.now.child.kill(signal)
    await product.now.ended
    expect(processesOf(folder)).toEqual([])
    expect(product.now.output()).not.toContain('starting it again')
  },
  120_000,
)

test.each(['SIGKILL', 'SIGHUP'] as const)(
  '%s ends npm alone: all but the step ends, and the next start takes it up',
  async (signal) => {
    const { product, runId } = await startRun(true)
    product.now.child.kill(signal)
    await untilGone()
    expect(processesOf(folder)).not.toEqual([])
    await product.start()
    await goesOn(product, runId)
  },
  120_000,
)

test('what dies at once again and again is given up with a sentence', async () => {
  let starts = 0
  const end = await keepRunning({
    name: 'program',
    start: () => {
      starts++
      return spawn('sh', ['-c', 'exit 3'])
    },
    isFinal: (code) => code === 0,
    firstWaitMs: 1,
  })
  expect(end).toEqual({ code: 3, signal: null, gaveUp: true })
  expect(starts).toBe(6)
})

test("a step finds the host's own PATH, its proxy and what the operator names, and no secret of the product", async () => {
  const npmFirst = `${root}/node_modules/.bin:${dirname(root)}/node_modules/.bin:/opt/npm/node-gyp-bin`
  const path = `/usr/local/bin:/usr/bin:/bin:${dirname(process.execPath)}`
  const product = await Product.start(folder, {
    PATH: `${npmFirst}:${path}`,
    npm_lifecycle_event: 'start',
    https_proxy: 'http://127.0.0.1:9',
    LC_TIME: 'de_DE.UTF-8',
    TOOL_HOME: '/opt/tool',
    HUSH: 'not named',
    ANSFLOW_AGENT_PASS_ENV: 'TOOL_HOME',
    ANSFLOW_AGENT_LABELS: 'gpu',
  })
  const found = '"$PATH" "$https_proxy" "$LC_TIME" "$TOOL_HOME" "$HUSH"'
  const environments = 'cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n"'
  const runId = await product.run(
    `printf '%s\\n' ${found}; ${environments} | grep -c "$(printf %s ${product.token.slice(0, 30)})${product.token.slice(30)}" || true`,
    { runsOn: ['gpu'] },
  )
  expect(await product.end(runId)).toBe('RUN_STATUS_SUCCEEDED')
  // Its last line may come after the run's end.
  const log = await waitFor(async () => /\n\d+\n$/.exec(await product.log(runId))?.input, { what: 'the log is whole' })
  expect(log.split('\n')).toEqual([path, 'http://127.0.0.1:9', 'de_DE.UTF-8', '/opt/tool', '', '0', ''])
}, 120_000)

test.skipIf(process.getuid?.() !== 0)(
  'with a user for steps, a step reads nothing of the product',
  async () => {
    const product = await Product.start(folder, { ANSFLOW_AGENT_STEP_USER: 'nobody' })
    const data = join(folder, 'data')
    const files = ['master.key', 'ansflow.db', 'agent/identity.json'].map((name) => join(data, name))
    const runId = await product.run(`id -un; cat ${files.join(' ')} || ls ${data} || echo denied`)
    expect(await product.end(runId)).toBe('RUN_STATUS_SUCCEEDED')
    const log = await waitFor(async () => /denied/.exec(await product.log(runId))?.input, { what: 'the log is there' })
    const denied = [...files.map((file) => `cat: ${file}`), `ls: cannot access '${data}'`].map(
      (what) => `${what}: Permission denied`,
    )
    expect(log.trim().split('\n')).toEqual(['nobody', ...denied, 'denied'])
    expect(product.now.output()).not.toContain('steps of the local agent run as')
    rmSync(stepsFolder(join(data, 'agent')), { recursive: true })
  },
  120_000,
)

test.each([
  ['ANSFLOW_AGENT_SLOTS', 'many', '--slots must be a whole number'],
  ['ANSFLOW_AGENT_LABLES', 'gpu', 'ANSFLOW_AGENT_LABLES is not a setting of the agent'],
])(
  'a wrong setting of the agent (%s) ends the start, and is said',
  async (name, value, sentence) => {
    await expect(Product.start(folder, { [name]: value })).rejects.toThrow(sentence)
    expect(processesOf(folder)).toEqual([])
  },
  120_000,
)
