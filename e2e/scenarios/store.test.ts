// The store as it fails in real life: its disk is full, it takes no changes, it does not answer, its answers get lost.
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { RunStatus, StepStatus } from '@ansflow/proto/status'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grpcClient } from '../../controller/test/grpc-client.ts'
import { runCommand } from '../../deploy/dev/run-command.ts'
import { startMariadb, type TestServer } from '../../deploy/dev/test-servers.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { waitFor } from '../setup/wait-for.ts'

const ready = async (system: System) => (await fetch(`${system.url}/readyz`)).status

/** How a call was refused, over HTTP as any program sees it. */
async function refusal(system: System, method: string, request: object) {
  const response = await fetch(`${system.url}/api/ansflow.v1.${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(request),
  })
  const { code, message } = (await response.json()) as { code?: string; message?: string }
  return { status: response.status, code, message, retryAfter: response.headers.get('retry-after') }
}

test('a full disk under SQLite: calls say so, and go on when there is room again', async () => {
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const mount = 'mount -t tmpfs -o size=12m none "$0" && exec "$@"'
  await using system = await startSystem({ slots: 0, through: ['unshare', '--mount', ...asRoot, 'sh', '-c', mount] })
  await system.api.projects.createProject({ name: 'before' })
  // The disk as the controller sees it.
  const filler = join('/proc', String(system.controller?.pid), 'root', system.folder, 'data', 'filler')
  await writeFile(filler, Buffer.alloc(32 * 1024 * 1024)).catch(() => undefined)
  let number = 0
  const create = () => refusal(system, 'ProjectService/CreateProject', { name: `project ${++number}` })
  // The log of SQLite has some room of its own left.
  const refused = await waitFor(
    async () => {
      const answer = await create()
      return answer.status === 200 ? undefined : answer
    },
    { what: 'a call is refused', timeoutMs: 60_000 },
  )
  expect(refused).toMatchObject({ status: 503, code: 'unavailable', retryAfter: '5' })
  expect(refused.message).toMatch(/no space/)
  expect((await system.api.projects.listProjects({ pageSize: 200 })).projects.length).toBe(number)
  await waitFor(async () => (await ready(system)) === 503, { what: 'it is not ready' })
  await rm(filler)
  await waitFor(async () => (await ready(system)) === 200, { what: 'it is ready again' })
  expect(await create()).toMatchObject({ status: 200 })
  const began = performance.now()
  await system.killController('SIGTERM')
  expect(performance.now() - began).toBeLessThan(10_000)
})

describe('MariaDB', () => {
  let server: TestServer
  let proxy: TcpProxy
  let system: System
  const sql = (text: string) => {
    const { hostname, port } = new URL(server.url)
    const where = [`--host=${hostname}`, `--port=${port}`, '--user=root']
    return runCommand('mariadb', ['--no-defaults', ...where, `--execute=${text}`])
  }

  beforeAll(async () => {
    server = await startMariadb()
    // Whoever may do everything may write to a read-only server too.
    await sql(
      "create database ansflow; create user 'ansflow'@'%' identified by 'secret'; grant all on ansflow.* to 'ansflow'@'%'",
    )
    proxy = await new TcpProxy(Number(new URL(server.url).port)).listen()
    system = await startSystem({
      env: {
        ANSFLOW_DATABASE_URL: `mysql://ansflow:secret@127.0.0.1:${proxy.port}/ansflow`,
        ANSFLOW_LOST_AFTER: '20',
      },
    })
  })
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]()
    await proxy?.[Symbol.asyncDispose]()
    await server?.stop()
  })

  test('an outage of the store is not the loss of an agent', async () => {
    const steps = Array.from({ length: 4 }, (_, n) => `  s${n}: { run: sleep 40, onLost: fail }`).join('\n')
    const { pipelineId } = await system.pipeline(`name: outage\nsteps:\n${steps}\n`)
    const runId = await system.start(pipelineId)
    await waitFor(async () => (await system.run(runId)).steps.every(({ status }) => status === StepStatus.RUNNING), {
      what: 'all steps run',
    })
    await sql('set global read_only = 1')
    try {
      await waitFor(async () => (await ready(system)) === 503, { what: 'it is not ready' })
      expect(await refusal(system, 'ProjectService/CreateProject', { name: 'no' })).toMatchObject({ status: 503 })
      // Longer than an agent may be silent.
      const until = Date.now() + 30_000
      await waitFor(async () => Date.now() > until && (await system.run(runId)), {
        what: 'half a minute',
        timeoutMs: 40_000,
      })
    } finally {
      await sql('set global read_only = 0')
    }
    const run = await system.ended(runId)
    expect(RunStatus[run.status]).toBe('SUCCEEDED')
    expect(run.steps.map(({ attempts }) => attempts.length)).toEqual([1, 1, 1, 1])
    expect(await ready(system)).toBe(200)
  })

  test('a database that does not answer: every call on both doors ends, with a word when to try again', async () => {
    const { pipelineId } = await system.pipeline('name: silent\nsteps:\n  a: { run: "true" }\n')
    const grpc = grpcClient(RunService, `127.0.0.1:${system.grpcPort}`, admin.token)
    proxy.stall()
    try {
      const [overHttp, overGrpc] = await Promise.all([
        refusal(system, 'RunService/StartRun', { pipelineId }),
        grpc.client.startRun({ pipelineId }).then(
          () => undefined,
          (error: unknown) => error as { code: number },
        ),
      ])
      expect(overHttp).toMatchObject({ status: 503, code: 'unavailable', retryAfter: '5' })
      expect(overGrpc?.code).toBe(Code.Unavailable)
      expect(await ready(system)).toBe(503)
    } finally {
      proxy.restore()
      grpc.close()
    }
    await waitFor(async () => (await ready(system)) === 200, { what: 'it is ready again' })
    expect(RunStatus[(await system.ended(await system.start(pipelineId))).status]).toBe('SUCCEEDED')
  })

  test('connections that are cut while runs are started, without keys: each answered start is one run', async () => {
    const { pipelineId } = await system.pipeline('name: cut\nsteps:\n  a: { run: "true", runsOn: [nobody] }\n')
    let cutting = true
    const cuts = (async () => {
      while (cutting) {
        await new Promise((resolve) => setTimeout(resolve, 60 + Math.random() * 120))
        proxy.cut()
        proxy.restore()
      }
    })()
    const answered: string[] = []
    let unknown = 0
    const lane = async () => {
      for (let n = 0; n < 40; n++) {
        try {
          answered.push(await system.start(pipelineId))
        } catch (error) {
          if (/before it said whether/.test(ConnectError.from(error).rawMessage)) unknown++
        }
      }
    }
    await Promise.all(Array.from({ length: 5 }, lane))
    cutting = false
    await cuts
    const runs = new Set<string>()
    for (let pageToken = ''; ; ) {
      const page = await system.api.runs.listRuns({ pipelineId, pageSize: 200, pageToken })
      for (const { id } of page.runs) runs.add(id)
      pageToken = page.nextPageToken
      if (!pageToken) break
    }
    expect(answered.length).toBeGreaterThan(50)
    expect(new Set(answered).size).toBe(answered.length)
    for (const id of answered) expect(runs).toContain(id)
    expect(runs.size - answered.length).toBeLessThanOrEqual(unknown)
  })
})
