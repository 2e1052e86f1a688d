// The real MariaDB and NATS the tests run against: private instances on free ports, gone afterwards.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, statfs } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Sentence } from './progress.ts'
import { endProcess, runCommand } from './run-command.ts'
import { findProgram } from './system-packages.ts'

export interface TestServer {
  url: string
  stop(): Promise<void>
}

export interface MariadbServer extends TestServer {
  /** Killed in the middle of whatever it does, and started again on the same data. */
  crash(): Promise<void>
}

/** `durable`: what it has committed outlives its crash; `onDisk`: and that of the machine, as in production. */
export async function startMariadb({ durable = false, onDisk = false } = {}): Promise<MariadbServer> {
  const folder = await mkdtemp(join(onDisk ? tmpdir() : await fastFolder(), 'ansflow-mariadb-'))
  const data = join(folder, 'data')
  const port = await freePort()
  // mariadbd refuses to run as root, so the instance belongs to the package's own user.
  const asUser = process.getuid?.() === 0 ? ['setpriv', '--reuid=mysql', '--regid=mysql', '--clear-groups'] : []
  await chmod(folder, 0o777)
  await mkdir(data, { mode: 0o777 })
  await chmod(data, 0o777)
  const run = (...args: string[]) => [...asUser, ...args] as [string, ...string[]]
  const [installer, ...installArguments] = run(
    findProgram('mariadb-install-db') ?? 'mariadb-install-db',
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  )
  await runCommand(installer, installArguments)
  const [server, ...serverArguments] = run(
    findProgram('mariadbd') ?? 'mariadbd',
    '--no-defaults',
    `--datadir=${data}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 's.sock')}`,
    '--max-connections=400',
    // What most tests write need not outlive them.
    ...(onDisk
      ? []
      : durable
        ? ['--innodb-flush-log-at-trx-commit=2']
        : ['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0']),
    '--skip-log-bin',
  )
  const start = async () => {
    const child = spawn(server, serverArguments, { stdio: 'ignore' })
    await listening(port, 'mariadbd', child)
    return child
  }
  let child = await start()
  return {
    url: `mysql://root@127.0.0.1:${port}/`,
    async crash() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      child = await start()
    },
    stop: async () => {
      await endProcess(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** In memory where there is room: every test makes its tables anew, and each table waits for the disk some ten times. */
async function fastFolder(): Promise<string> {
  const { bavail, bsize } = await statfs('/dev/shm').catch(() => ({ bavail: 0, bsize: 0 }))
  return bavail * bsize > 4 * 1024 ** 3 ? '/dev/shm' : tmpdir()
}

export async function startNats(): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'ansflow-nats-'))
  const port = await freePort()
  const child = spawn(
    findProgram('nats-server') ?? 'nats-server',
    ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder],
    {
      stdio: 'ignore',
    },
  )
  await listening(port, 'nats-server', child)
  return {
    url: `nats://127.0.0.1:${port}`,
    stop: async () => {
      await endProcess(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function listening(port: number, name: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + 30_000
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Sentence(`${name} ended with code ${child.exitCode} while it started.`)
    if (await accepts(port)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Sentence(`${name} does not answer on port ${port} after 30 s.`)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** Below those that a system gives to whoever connects or asks for any: such a one could be gone again before it is listened on. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(10_240, 32_768)
    if (await isFree(port)) return port
  }
  throw new Sentence('No free port was found on 127.0.0.1.')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
