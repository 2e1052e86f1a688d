// `npm start` when it cannot, and when it is told to end: one sentence each, an exit code that says it, and nothing left running.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { controllerProgram } from '../../deploy/dev/controller-node.ts'
import { root } from '../../deploy/dev/run-command.ts'
import { freePort } from '../../deploy/dev/test-servers.ts'
import { freeAddresses, Product, processesOf, start as startIn } from '../setup/npm-start.ts'
import { waitFor } from '../setup/wait-for.ts'

let folder: string
const started: ChildProcess[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ansflow-startup-'))
})
afterEach(() => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const start = (script: string, env: Record<string, string>, cwd = root) => {
  const one = startIn(folder, script, env, cwd)
  started.push(one.child)
  return one
}
/** Processes of this test that are still there. */
const left = (except?: ChildProcess) =>
  processesOf(folder).flatMap(({ pid, command }) => (pid === except?.pid ? [] : [command]))

async function listener(): Promise<{ port: number; server: Server } & AsyncDisposable> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => sockets.add(socket))
  return {
    port: (server.address() as AddressInfo).port,
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The lines that are not the progress of a build. */
const said = (output: string) =>
  output
    .trim()
    .split('\n')
    .filter((line) => !/building the console|bundling the (agent|controller)/.test(line))

test.each(['ANSFLOW_HTTP', 'ANSFLOW_GRPC'] as const)('the port of %s is busy', async (setting) => {
  await using busy = await listener()
  const env = { ...(await freeAddresses()), [setting]: `127.0.0.1:${busy.port}` }
  const [code, output] = await start('deploy/dev/start.ts', env).ended
  expect(said(output)).toEqual([expect.stringContaining(`127.0.0.1:${busy.port} is in use by another program.`)])
  expect(code).toBe(1)
  expect(left()).toEqual([])
})

test.each([
  ['is a file', () => join(folder, 'file')],
  ['is where nothing can be made', () => '/sys/ansflow'],
])('a data folder that %s', async (_what, path) => {
  writeFileSync(join(folder, 'file'), '')
  const [code, output] = await start('deploy/dev/start.ts', { ANSFLOW_DATA: path() }).ended
  expect(said(output)).toEqual([expect.stringMatching(/The data folder .* cannot be written .* set ANSFLOW_DATA/)])
  expect(code).toBe(1)
})

test('wrong settings are all told together', async () => {
  const env = { ANSFLOW_HTTP: 'here', ANSFLOW_LOG_LEVEL: 'loud', ANSFLOW_LOST_AFTER: '1', ANSFLOW_DTA: 'x' }
  const [code, output] = await start('deploy/dev/start.ts', env).ended
  const [head, ...problems] = said(output)
  expect(head).toBe('The settings are wrong, nothing was started:')
  expect(problems.map((line) => line.trim().split(' ')[0]).sort()).toEqual(Object.keys(env).sort())
  expect(code).toBe(1)
  expect(left()).toEqual([])
})

/** What `npm start` needs of a fresh clone before it has fetched anything, for a Node that is always newer than this one. */
function freshClone(): string {
  const clone = join(folder, 'clone')
  mkdirSync(join(clone, 'tools'), { recursive: true })
  cpSync(join(root, 'scripts'), join(clone, 'scripts'), { recursive: true })
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(clone, 'package.json'), JSON.stringify({ ...manifest, engines: { node: '>=99.1' } }))
  for (const tool of ['node', 'pnpm']) {
    mkdirSync(join(clone, 'tools', tool))
    for (const file of ['package.json', 'package-lock.json'])
      cpSync(join(root, 'tools', tool, file), join(clone, 'tools', tool, file))
  }
  return clone
}

const npmAt = (port: number) => ({
  npm_config_registry: `http://127.0.0.1:${port}/`,
  npm_config_cache: join(folder, 'npm'),
})

test('Node is too old and no registry answers; the next try looks again', async () => {
  const clone = freshClone()
  const env = npmAt(await freePort())
  for (let i = 0; i < 2; i++) {
    const [code, output] = await start('scripts/dev.mjs', env, clone).ended
    expect(said(output).at(-1)).toMatch(
      /^ansflow: Node 99\.1 or newer \(this is [\d.]+\) could not be fetched from the npm registry \(http:.*\)\. Check the network .* or install Node 99\.1/,
    )
    expect(output).not.toMatch(/\n\s+at /)
    expect(code).toBe(1)
  }
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s while it fetches ends the fetching', async (signal) => {
  await using silent = await listener()
  const { child, ended } = start('scripts/dev.mjs', npmAt(silent.port), freshClone())
  await once(silent.server, 'connection')
  child.kill(signal)
  const [code] = await ended
  expect(code).toBe(signal === 'SIGINT' ? 130 : 143)
  await waitFor(() => left().length === 0, { what: 'nothing is left' })
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s while the controller starts', async (signal) => {
  const { child, ended, output } = start('deploy/dev/start.ts', await freeAddresses())
  await waitFor(() => left(child).some((command) => command.includes(controllerProgram)), {
    what: 'the controller is being started',
    timeoutMs: 60_000,
    everyMs: 5,
    detail: output,
  })
  child.kill(signal)
  const [code] = await ended
  expect(code).toBe(signal === 'SIGINT' ? 130 : 143)
  expect(left()).toEqual([])
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s while a step runs ends agent, step and controller', async (signal) => {
  const product = await Product.start(folder)
  const { child, ended, output } = product.now
  started.push(child)
  await product.run(`setsid sleep 3000 & echo up > ${folder}/up; sleep 3000`)
  await waitFor(() => readdirSync(folder).includes('up'), { what: 'the step runs', detail: output })
  expect(left(child).length).toBeGreaterThan(4)
  child.kill(signal)
  const [code, text] = await ended
  expect(text).toContain('Stopped.')
  expect(code).toBe(0)
  expect(left()).toEqual([])
})
