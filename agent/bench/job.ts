// Measures the agent's part of a job on this machine, against a fake controller that answers at once: node agent/bench/job.ts
// [rounds] [bundle]. Prints percentiles in milliseconds; compare within one run only.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FakeJob, startFakeController } from '../test/fake-controller.ts'

const rounds = Number(process.argv[2] ?? 300)
const bundle = process.argv[3] ?? fileURLToPath(new URL('../dist/ansflow-agent.mjs', import.meta.url))
const data = mkdtempSync(join(tmpdir(), 'ansflow-bench-'))
writeFileSync(join(data, 'tools.json'), '{}')
const controller = await startFakeController()
controller.behavior.heartbeatMs = 5000
const agent = spawn(
  process.execPath,
  [bundle, 'run', '--data', data, '--url', controller.address, '--token', 'good-token'],
  {
    stdio: 'ignore',
  },
)
const samples = new Map<string, number[]>()
try {
  await until(() => controller.hellos.length > 0)
  for (let i = 0; i < rounds + 20; i++) {
    const parts = await oneJob(i)
    if (i >= 20) for (const [name, ms] of Object.entries(parts)) samples.set(name, [...(samples.get(name) ?? []), ms])
  }
} finally {
  agent.kill('SIGKILL')
  await controller.close()
  rmSync(data, { recursive: true, force: true })
}
print(`${cpus().length} CPUs, load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds, Node ${process.version}`)
for (const [name, list] of samples) {
  list.sort((a, b) => a - b)
  const at = (share: number) => list[Math.min(list.length - 1, Math.floor(list.length * share))]!.toFixed(2)
  print(`${name.padEnd(32)} p50 ${at(0.5)}  p95 ${at(0.95)}  max ${at(1)}`)
}

async function oneJob(number: number): Promise<Record<string, number>> {
  const offeredAt = now()
  const job = controller.offer(`bench-${number}`, {
    runId: `run-${number % 10}`,
    execution: { case: 'shell', value: { shell: 'sh', script: 'date +%s%N' } },
  })
  const acceptedAt = await when(job, () => job.accepted.length > 0)
  const startedAt = await when(job, () => job.started.length > 0)
  const finishedAt = await when(job, () => job.finished.length > 0)
  const completeAt = await when(job, () => job.logComplete)
  const ranAt = Number(job.log.toString()) / 1e6
  return {
    'offer → accept': acceptedAt - offeredAt,
    'start → process runs': ranAt - acceptedAt,
    'start → told that it runs': startedAt - acceptedAt,
    'process runs → told its end': finishedAt - ranAt,
    'process runs → log complete': completeAt - ranAt,
    'offer → process runs': ranAt - offeredAt,
  }
}

async function when(job: FakeJob, condition: () => boolean): Promise<number> {
  await until(condition, job.ref.jobId)
  return now()
}

/** Looks whenever the controller has heard something: a timer would be coarser than what is measured. */
function until(condition: () => boolean, what = 'the agent'): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Waited in vain for ${what}.`)), 20_000)
    const look = () => {
      if (!condition()) return
      clearTimeout(timer)
      resolve()
    }
    controller.onHeard = look
    look()
  })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function now(): number {
  return performance.timeOrigin + performance.now()
}
