// Plugs pulled for real: agents and controllers killed in the middle of work, and nothing is lost or done twice.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunStatus, StepStatus } from '@ansflow/proto/status'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

let system: System
let witness: string
beforeAll(async () => {
  witness = await mkdtemp(join(tmpdir(), 'ansflow-witness-'))
})
afterEach(async () => {
  await system?.[Symbol.asyncDispose]()
})
afterAll(() => rm(witness, { recursive: true, force: true }))

/** Prints `lines` numbered lines with pauses, and notes each start in a file outside of the system. */
const printer = (file: string, lines: number) => `echo "start $$" >> ${file}
i=1
while [ $i -le ${lines} ]; do
  echo "line $i of the printer, with some padding to make it longer"
  if [ $((i % 50)) -eq 0 ]; then sleep 0.05; fi
  i=$((i + 1))
done
echo "end $$" >> ${file}`

const expectedLog = (lines: number) =>
  Array.from({ length: lines }, (_, i) => `line ${i + 1} of the printer, with some padding to make it longer\n`).join(
    '',
  )

const yamlOf = (script: string) =>
  `name: fault\nsteps:\n  print:\n    run: |\n${script.replace(/^/gm, '      ')}\n  after: { needs: [print], run: echo after }\n`

test('an agent killed right behind a step’s end sends the rest of its log when it is back', async () => {
  system = await startSystem()
  const size = 20_000_000
  const { pipelineId } = await system.pipeline(
    `name: loud\nsteps: { loud: { run: "seq 1 100000000 | head -c ${size}" } }\n`,
  )
  const sum = createHash('sha256')
  let text = ''
  for (let i = 1; text.length < size; i += 10_000)
    text += Array.from({ length: 10_000 }, (_, k) => `${i + k}\n`).join('')
  const expected = sum.update(text.slice(0, size)).digest('hex')
  for (let round = 0; round < 3; round++) {
    const runId = await system.start(pipelineId)
    const { steps } = await waitFor(
      async () => {
        const run = await system.run(runId)
        return run.steps[0]?.status === StepStatus.SUCCEEDED ? run : undefined
      },
      { what: 'the step has ended', everyMs: 2, timeoutMs: 60_000 },
    )
    // Its end is told before its log.
    expect(steps[0]?.attempts[0]?.logComplete).toBe(false)
    await system.agents[0]!.kill()
    await system.agents[0]!.start()
    const log = await system.wholeLog(runId, 'loud')
    expect(createHash('sha256').update(log).digest('hex')).toBe(expected)
  }
}, 120_000)

test('an agent killed while a step prints re-attaches; the step goes on and the log is byte-exact', async () => {
  system = await startSystem()
  const file = join(witness, 'agent')
  const { pipelineId } = await system.pipeline(yamlOf(printer(file, 3000)))
  const runId = await system.start(pipelineId)
  await waitFor(async () => Number((await system.run(runId)).steps[0]?.attempts[0]?.logSize ?? 0n) > 2000, {
    what: 'the step prints',
  })
  await system.agents[0]?.kill()
  await system.agents[0]?.start()
  const run = await system.ended(runId)
  expect(RunStatus[run.status]).toBe('SUCCEEDED')
  expect(run.steps[0]?.attempts).toHaveLength(1)
  expect(await system.wholeLog(runId, 'print')).toBe(expectedLog(3000))
  expect((await readFile(file, 'utf8')).split('\n').filter((line) => line.startsWith('start'))).toHaveLength(1)
})

test('a controller killed in the middle of a run finishes it after its restart, and nothing runs twice', async () => {
  system = await startSystem()
  const file = join(witness, 'controller')
  const { pipelineId } = await system.pipeline(yamlOf(printer(file, 3000)))
  const runId = await system.start(pipelineId)
  await waitFor(async () => Number((await system.run(runId)).steps[0]?.attempts[0]?.logSize ?? 0n) > 2000, {
    what: 'the step prints',
  })
  await system.killController()
  await system.startController()
  const run = await system.ended(runId)
  expect(RunStatus[run.status]).toBe('SUCCEEDED')
  expect(run.steps.map((step) => step.attempts.length)).toEqual([1, 1])
  expect(await system.wholeLog(runId, 'print')).toBe(expectedLog(3000))
  expect((await readFile(file, 'utf8')).split('\n').filter((line) => line.startsWith('start'))).toHaveLength(1)
})

test('controller and agent are killed in the middle of a flood: the log is byte-exact', async () => {
  const expected = createHash('sha256')
  let size = 0
  for (let from = 1; from <= 12_000_000; from += 100_000) {
    const lines = Array.from({ length: 100_000 }, (_, i) => `${from + i}\n`).join('')
    expected.update(lines)
    size += lines.length
  }
  system = await startSystem()
  const { pipelineId } = await system.pipeline(yamlOf('seq 1 12000000'))
  const runId = await system.start(pipelineId)
  const stored = (least: number) =>
    waitFor(
      async () => {
        const [print] = (await system.run(runId)).steps
        const soFar = Number(print?.attempts[0]?.logSize ?? 0n)
        return soFar > least && soFar
      },
      { what: `${least} bytes are stored`, everyMs: 5, timeoutMs: 60_000 },
    )
  expect(await stored(0)).toBeLessThan(size)
  await system.killController()
  await system.startController()
  expect(await stored(10_000_000)).toBeLessThan(size)
  await system.agents[0]?.kill()
  await system.agents[0]?.start()
  expect(RunStatus[(await system.ended(runId, 100_000)).status]).toBe('SUCCEEDED')
  const log = await system.wholeLog(runId, 'print')
  expect(log.length).toBe(size)
  expect(createHash('sha256').update(log).digest('hex')).toBe(expected.digest('hex'))
}, 180_000)

test('a controller killed again and again under a wide run loses no step and repeats none', async () => {
  system = await startSystem({ slots: 4 })
  const file = join(witness, 'wide')
  const steps = Array.from(
    { length: 40 },
    (_, i) => `  s${i}:\n    run: echo "s${i}" >> ${file}; sleep 0.1\n${i >= 8 ? `    needs: [s${i - 8}]\n` : ''}`,
  ).join('')
  const { pipelineId } = await system.pipeline(`name: wide\nsteps:\n${steps}`)
  const runId = await system.start(pipelineId)
  for (const share of [4, 14, 26]) {
    await waitFor(async () => (await readFile(file, 'utf8').catch(() => '')).split('\n').length > share, {
      what: `${share} steps began`,
      timeoutMs: 60_000,
    })
    await system.killController()
    await system.startController()
  }
  const run = await system.ended(runId, 90_000)
  expect(
    run.steps.filter((step) => step.status !== StepStatus.SUCCEEDED).map((step) => `${step.id}: ${step.reason}`),
  ).toEqual([])
  const ran = (await readFile(file, 'utf8')).trim().split('\n').sort()
  expect(ran).toEqual(Array.from({ length: 40 }, (_, i) => `s${i}`).sort())
})

test('cancel leaves no process of the tree, not even those in sessions of their own', async () => {
  system = await startSystem()
  const script = `setsid sh -c 'trap "" TERM; while :; do sleep 1; done' &
(nohup sh -c 'while :; do sleep 1; done' >/dev/null 2>&1 &)
trap 'echo got TERM' TERM
echo ready
while :; do sleep 0.2; done`
  const { pipelineId } = await system.pipeline(yamlOf(script))
  const runId = await system.start(pipelineId)
  await waitFor(async () => (await system.log(runId, 'print')).includes('ready'), { what: 'the tree is up' })
  const jobId = (await system.run(runId)).steps[0]?.attempts[0]?.jobId ?? ''
  expect(processesOf(jobId).length).toBeGreaterThan(2)
  await system.api.runs.cancelRun({ runId })
  const run = await system.ended(runId)
  expect(RunStatus[run.status]).toBe('CANCELED')
  expect(run.steps.map((step) => StepStatus[step.status])).toEqual(['CANCELED', 'CANCELED'])
  expect(processesOf(jobId)).toEqual([])
})

/** Processes that carry the job's id in their environment, wherever they sit in the tree. */
function processesOf(jobId: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(jobId)
      } catch {
        return false
      }
    })
}

test('a step that prints 100 MB and one line of 50 MB break nothing', async () => {
  system = await startSystem()
  const { pipelineId } = await system.pipeline(`name: big
steps:
  lines: { run: "yes 'a line of sixty-three characters, repeated until it is enough..' | head -c 100000000" }
  line: { run: "head -c 50000000 /dev/zero | tr '\\\\0' x; echo" }
`)
  const runId = await system.start(pipelineId)
  const run = await system.ended(runId, 100_000)
  expect(RunStatus[run.status]).toBe('SUCCEEDED')
  await waitFor(async () => (await system.run(runId)).steps.every((step) => step.attempts[0]?.logComplete), {
    what: 'both logs are complete',
    timeoutMs: 60_000,
  })
  const attempts = (await system.run(runId)).steps.map((step) => step.attempts[0]?.logSize)
  expect(attempts).toEqual([100_000_000n, 50_000_001n])
  const last = await system.api.logs.readLines({ runId, stepId: 'lines', firstLine: -1, maxLines: 1 })
  expect(last.totalLines).toBe(100_000_000 / 64)
  const single = await system.api.logs.readLines({ runId, stepId: 'line', firstLine: 1, maxLines: 1 })
  expect(single.lines[0]?.text.length).toBeLessThanOrEqual(16 * 1024)
  expect(Number(single.lines[0]?.size)).toBeGreaterThanOrEqual(50_000_000)
})
