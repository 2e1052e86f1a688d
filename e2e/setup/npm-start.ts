// `npm start` for a test: the real command in a folder of the test's own, the runs made in it, and what is left of it.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../deploy/dev/run-command.ts'
import { freePort } from '../../deploy/dev/test-servers.ts'
import { knowTools } from './known-tools.ts'
import { admin } from './system.ts'
import { waitFor } from './wait-for.ts'

export interface Started {
  child: ChildProcess
  output(): string
  /** Exit code and all that was printed. */
  ended: Promise<[number | null, string]>
}

/** Everything of a test has its folder in the environment or the command line: that is how `processesOf` finds it. */
export function start(folder: string, script: string, env: Record<string, string>, cwd = root): Started {
  return launch(folder, [process.execPath, join(cwd, script), 'start'], env, cwd)
}

/** As a person does: npm is the outermost process. */
export function npmStart(folder: string, env: Record<string, string>): Started {
  return launch(folder, ['npm', 'start'], env, root)
}

function launch(folder: string, [program = '', ...words]: string[], env: Record<string, string>, cwd: string): Started {
  const child = spawn(program, words, {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ANSFLOW_DATA: join(folder, 'data'),
      // This host may have a runtime, or not.
      ANSFLOW_AGENT_CONTAINERS: 'off',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = once(child, 'close').then(([code]) => [code as number | null, output] as [number | null, string])
  return { child, output: () => output, ended }
}

export interface Process {
  pid: number
  command: string
}

/** Processes of this folder's test that are there. */
export function processesOf(folder: string): Process[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        if (readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')) return []
        const known = command.includes(folder) || readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder)
        return known ? [{ pid, command: command.replaceAll('\0', ' ') }] : []
      } catch {
        return []
      }
    })
}

export async function freeAddresses(): Promise<{ ANSFLOW_HTTP: string; ANSFLOW_GRPC: string }> {
  return { ANSFLOW_HTTP: `127.0.0.1:${await freePort()}`, ANSFLOW_GRPC: `127.0.0.1:${await freePort()}` }
}

/** One that is ready for runs, with an owner. */
export class Product {
  readonly token = `af_${randomBytes(24).toString('hex')}`
  readonly folder: string
  readonly #env: Record<string, string>
  now!: Started

  private constructor(folder: string, env: Record<string, string>) {
    this.folder = folder
    this.#env = {
      ANSFLOW_ADMIN_EMAIL: admin.email,
      ANSFLOW_ADMIN_PASSWORD: admin.password,
      ANSFLOW_ADMIN_TOKEN: this.token,
      ...env,
    }
  }

  static async start(folder: string, env: Record<string, string> = {}, byNpm = false): Promise<Product> {
    const product = new Product(folder, { ...(await freeAddresses()), ...env })
    await product.start(byNpm)
    return product
  }

  async start(byNpm = false): Promise<void> {
    knowTools(join(this.folder, 'data/agent'))
    this.now = byNpm ? npmStart(this.folder, this.#env) : start(this.folder, 'scripts/dev.mjs', this.#env)
    await this.connected(1)
  }

  /** The local agent has come so many times since the start. */
  async connected(times: number): Promise<void> {
    await waitFor(() => this.now.output().split('Connected.').length > times, {
      what: `the local agent has connected ${times} times`,
      timeoutMs: 60_000,
      detail: this.now.output,
      fatal: () => this.now.child.exitCode !== null,
    })
  }

  async call(method: string, body: object) {
    const response = await fetch(`http://${this.#env.ANSFLOW_HTTP}/api/ansflow.v1.${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${method}: ${response.status} ${await response.text()}`)
    return response.json()
  }

  /** Runs one step; answers the run's id. */
  async run(script: string, more: object = {}): Promise<string> {
    const { project } = await this.call('ProjectService/CreateProject', { name: 'Test' })
    const yaml = JSON.stringify({ name: 'test', steps: { a: { run: script, ...more } } })
    const { pipeline } = await this.call('PipelineService/ApplyPipeline', {
      projectId: project.id,
      yaml,
      publish: true,
    })
    const { run } = await this.call('RunService/StartRun', { pipelineId: pipeline.id })
    return run.id
  }

  /** The status of a run that has ended. */
  end(runId: string): Promise<string> {
    return waitFor(
      async () => {
        const { run } = await this.call('RunService/GetRun', { runId })
        return run.finishedAt && run.status
      },
      { what: 'the run has ended', timeoutMs: 60_000, detail: this.now.output },
    )
  }

  /** The log of the run's step; it is complete a little after the run's end. */
  async log(runId: string): Promise<string> {
    const response = await fetch(`http://${this.#env.ANSFLOW_HTTP}/download/runs/${runId}/steps/a/log`, {
      headers: { authorization: `Bearer ${this.token}` },
    })
    return response.text()
  }
}
