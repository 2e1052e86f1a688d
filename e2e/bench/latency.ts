// Measures the system as a whole on this machine: node e2e/bench/latency.ts. Prints percentiles in milliseconds; every figure
// comes from one run of one system, so compare within a run only.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { LiveLogChunkSchema, LiveResponseSchema } from '@ansflow/proto/gen/ansflow/v1/live_pb'
import { isTerminal, StepStatus } from '@ansflow/proto/status'
import { fromBinary, fromJson, type JsonValue } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import WebSocket from 'ws'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

const rounds = Number(process.argv[2] ?? 100)
const folder = mkdtempSync(join(tmpdir(), 'ansflow-bench-'))
console.log(`${cpus().length} CPUs, load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds, Node ${process.version}`)

await report('floor: sh -c date from Node', async () => {
  const samples = []
  for (let i = 0; i < rounds; i++) {
    const began = now()
    const child = spawn('sh', ['-c', 'date +%s%N'])
    let text = ''
    child.stdout.on('data', (data: Buffer) => {
      text += data
    })
    await once(child, 'close')
    samples.push(Number(text) / 1e6 - began)
  }
  return samples
})

const system = await startSystem({ slots: 4 })
try {
  await report('trigger → process running', () => triggerToProcess(system))
  const [events, lines] = await liveDelays(system)
  print('step event → live socket', events)
  print('log line printed → live socket', lines)
  await report('chain of 50 steps, per step', () => chain(system))
  await report('fan-out of 300 steps on 4 slots, per step', () => fanOut(system))
  memory('controller', system.controller?.pid)
  memory('agent', system.agents[0]?.child?.pid)
} finally {
  await system[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
}

async function triggerToProcess(on: System): Promise<number[]> {
  const file = join(folder, 'started')
  const { pipelineId } = await on.pipeline(`name: stamp\nsteps:\n  stamp: { run: "date +%s%N > ${file}" }\n`)
  const samples: number[] = []
  for (let i = 0; i < rounds; i++) {
    const began = now()
    const runId = await on.start(pipelineId)
    const run = await on.ended(runId)
    if (run.status !== 5) throw new Error(run.reason)
    samples.push(Number(readFileSync(file, 'utf8')) / 1e6 - began)
  }
  return samples.slice(Math.min(5, rounds / 10))
}

/** Subscribes as a browser would; times are of one clock, since everything is on this machine. */
async function liveDelays(on: System): Promise<[number[], number[]]> {
  const count = rounds * 2
  const { pipelineId } = await on.pipeline(
    `name: ticker\nsteps:\n  tick:\n    run: |\n      i=0; while [ $i -lt ${count} ]; do date +%s%N; i=$((i + 1)); sleep 0.02; done\n`,
  )
  const socket = new WebSocket(`${on.url.replace('http', 'ws')}/live`, {
    headers: { authorization: `Bearer ${admin.token}`, origin: on.url },
  })
  await once(socket, 'open')
  const events: number[] = []
  const lines: number[] = []
  let rest = ''
  let complete = false
  socket.on('message', (data: Buffer, binary: boolean) => {
    const at = now()
    if (binary) {
      const chunk = fromBinary(LiveLogChunkSchema, new Uint8Array(data))
      const parts = (rest + Buffer.from(chunk.data).toString()).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) lines.push(at - Number(line) / 1e6)
      complete ||= chunk.complete
      return
    }
    const { kind } = fromJson(LiveResponseSchema, JSON.parse(data.toString()) as JsonValue)
    if (kind.case !== 'run') return
    for (const step of kind.value.steps) {
      const started = step.attempts.at(-1)?.startedAt
      if (step.status === StepStatus.RUNNING && started) events.push(at - timestampMs(started))
    }
  })
  // A step that ends within 20 ms is never told of as running.
  const steps = Array.from(
    { length: 5 },
    (_, i) => `  s${i}: { run: sleep 0.1${i > 0 ? `, needs: [s${i - 1}]` : ''} }\n`,
  )
  const short = await on.pipeline(`name: short\nsteps:\n${steps.join('')}`)
  for (let i = 0; i < 20; i++) {
    const runId = await on.start(short.pipelineId)
    socket.send(JSON.stringify({ subscribe: { topic: `run/${runId}` } }))
    await on.ended(runId)
  }
  const runId = await on.start(pipelineId)
  socket.send(JSON.stringify({ subscribe: { topic: `log/${runId}/tick/1`, offset: '0' } }))
  await waitFor(() => complete, { what: 'the whole log came', timeoutMs: 60_000 })
  socket.close()
  return [events, lines]
}

async function chain(on: System): Promise<number[]> {
  const steps = Array.from(
    { length: 50 },
    (_, i) => `  s${i}: { run: "true"${i > 0 ? `, needs: [s${i - 1}]` : ''} }\n`,
  ).join('')
  const { pipelineId } = await on.pipeline(`name: chain\nsteps:\n${steps}`)
  const samples = []
  for (let i = 0; i < 5; i++) samples.push((await duration(on, pipelineId)) / 50)
  return samples
}

async function fanOut(on: System): Promise<number[]> {
  const steps = Array.from({ length: 300 }, (_, i) => `  s${i}: { run: "true" }\n`).join('')
  const { pipelineId } = await on.pipeline(`name: fan\nsteps:\n${steps}`)
  return [(await duration(on, pipelineId)) / 300]
}

async function duration(on: System, pipelineId: string): Promise<number> {
  const began = now()
  const runId = await on.start(pipelineId)
  // Not by asking again and again: at this pace that would be most of the work.
  for await (const { run } of on.api.runs.watchRun({ runId })) if (run && isTerminal(run.status)) break
  return now() - began
}

function now(): number {
  return performance.timeOrigin + performance.now()
}

async function report(what: string, measure: () => Promise<number[]>): Promise<void> {
  print(what, await measure())
}

function print(what: string, samples: number[]): void {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1)
  console.log(
    `${what.padEnd(44)} n=${sorted.length}  p50 ${at(0.5)}  p95 ${at(0.95)}  p99 ${at(0.99)}  max ${at(1)} ms`,
  )
}

function memory(what: string, pid: number | undefined): void {
  if (pid === undefined) return
  const kib = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  console.log(`${what.padEnd(44)} RSS ${(kib / 1024).toFixed(0)} MB`)
}
