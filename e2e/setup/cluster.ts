// Several controllers on one MariaDB database and one NATS server, as people run them in production.
import { randomBytes } from 'node:crypto'
import { runCommand } from '../../deploy/dev/run-command.ts'
import { type System, startSystem } from './system.ts'

export interface Cluster extends AsyncDisposable {
  first: System
  second: System
}

/** The first has an agent unless it is to have no slots, the second none. `env`: of both. */
export async function startCluster(options: { slots?: number; env?: Record<string, string> } = {}): Promise<Cluster> {
  const server = new URL(process.env.ANSFLOW_TEST_DATABASE_URL ?? '')
  const database = `e2e_${randomBytes(6).toString('hex')}`
  const sql = (text: string) =>
    runCommand('mariadb', [
      '--no-defaults',
      `--host=${server.hostname}`,
      `--port=${server.port}`,
      '--user=root',
      `--execute=${text}`,
    ])
  await sql(`create database ${database}`)
  const env = {
    ANSFLOW_DATABASE_URL: `${server.href.replace(/\/$/, '')}/${database}`,
    ANSFLOW_NATS_URL: process.env.ANSFLOW_TEST_NATS_URL ?? '',
    ANSFLOW_MASTER_KEY: randomBytes(32).toString('base64'),
    ...options.env,
  }
  const started: System[] = []
  const end = async () => {
    for (const system of started.reverse()) await system[Symbol.asyncDispose]()
    await sql(`drop database if exists ${database}`)
  }
  try {
    const first = await startSystem({ env, ...(options.slots !== undefined && { slots: options.slots }) })
    started.push(first)
    const second = await startSystem({ env, slots: 0 })
    started.push(second)
    return { first, second, [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}
