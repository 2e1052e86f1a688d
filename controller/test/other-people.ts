// For measured-controller.ts: calls the controller one call after the other, as people do who know nothing of an attack. The
// same way it calls a process that has nothing else to do, to tell what the machine itself makes everybody wait.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

interface Settings {
  url: string
  token: string
  projectId: string
}

let settings: Settings = { url: '', token: '', projectId: '' }
let idle: { url: string; stop(): void } | undefined
let waits: { times: number[]; idleTimes: number[] } | undefined

async function call(): Promise<void> {
  const { url, token, projectId } = settings
  const began = performance.now()
  const response = await fetch(`${url}/api/ansflow.v1.ProjectService/GetProject`, {
    method: 'POST',
    body: JSON.stringify({ projectId }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  })
  await response.json()
  if (response.status !== 200) throw new Error(`Other people are answered ${response.status}.`)
  waits?.times.push(performance.now() - began)
}

async function goOn(): Promise<void> {
  while (waits) {
    await call()
    const began = performance.now()
    await (await fetch(idle?.url ?? '', { method: 'POST', body: '{}' })).text()
    waits?.idleTimes.push(performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const [, self, role] = process.argv
if (role === 'idle') serveIdly()
else serveMeasuring()

function serveIdly(): void {
  const server = createServer((_request, response) => response.end('{}'))
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}

function serveMeasuring(): void {
  process.on('message', async (message: Settings | 'begin' | 'end' | 'stop') => {
    if (message === 'stop') {
      idle?.stop()
      process.exit(0)
    } else if (message === 'begin') {
      waits = { times: [], idleTimes: [] }
      void goOn()
      process.send?.({})
    } else if (message === 'end') {
      const { times = [], idleTimes = [] } = waits ?? {}
      waits = undefined
      process.send?.({ p99Ms: p99(times), idleP99Ms: p99(idleTimes), calls: times.length })
    } else {
      settings = message
      const child = fork(self ?? fileURLToPath(import.meta.url), ['idle'])
      const [port] = await once(child, 'message')
      idle = { url: `http://127.0.0.1:${port}`, stop: () => child.kill() }
      for (let n = 0; n < 20; n += 1) await call()
      process.send?.({})
    }
  })
}

function p99(times: number[]): number {
  const sorted = times.toSorted((a, b) => a - b)
  return Math.round((sorted[Math.floor(sorted.length * 0.99)] ?? Number.POSITIVE_INFINITY) * 10) / 10
}
