// What measurements share: the product as people run it, the machine's floor, a folder.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isTerminal, RunStatus } from '@ansflow/proto/status'
import { controllerEnv, controllerFlags } from '../../deploy/dev/controller-node.ts'
import { root } from '../../deploy/dev/run-command.ts'
import { type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Floor } from './floor/floor.ts'
import { processorMs } from './processes.ts'

export interface Servers {
  /** Of a server: each system makes a database of its own. */
  database: string
  nats: string
}

export interface ContextOptions {
  /** The checkout that is measured. */
  root?: string
  /** Few rounds of little: shows that a measurement works, not how quick the product is. */
  short?: boolean
  /** MariaDB and NATS in place of what is built in. */
  servers?: Servers | undefined
  agents: number
  sockets: number
}

export interface Use {
  controllerMs: number
  agentMs: number
}

export class Context implements AsyncDisposable {
  readonly floor = new Floor()
  readonly root: string
  readonly short: boolean
  readonly servers: Servers | undefined
  readonly folder: string
  /** Simulated, and followers of one run. */
  readonly agents: number
  readonly sockets: number
  #shared: Promise<System> | undefined
  readonly #kept: AsyncDisposable[] = []

  private constructor(folder: string, options: ContextOptions) {
    this.folder = folder
    this.root = options.root ?? root
    this.short = options.short ?? false
    this.servers = options.servers
    this.agents = options.agents
    this.sockets = options.sockets
  }

  static async open(options: ContextOptions): Promise<Context> {
    return new Context(await mkdtemp(join(tmpdir(), 'ansflow-bench-')), options)
  }

  /** How often something is done: the second number in the short form. */
  times(usual: number, short: number): number {
    return this.short ? short : usual
  }

  /** A controller and one agent with 8 slots, the same for all who ask. */
  system(): Promise<System> {
    this.#shared ??= this.start({ slots: 8 })
    return this.#shared
  }

  /** A controller of the caller's own, ended by it, or with all else. */
  async start(options: { slots: number; env?: Record<string, string> }): Promise<System> {
    const env = { ...controllerEnv, ...this.settings(), ...options.env }
    return this.keep(await startSystem({ slots: options.slots, env, flags: controllerFlags, root: this.root }))
  }

  /** Ended with the measurements, however those end, if not before. */
  keep<T extends AsyncDisposable>(one: T): T {
    this.#kept.push(one)
    return one
  }

  /** For another controller. */
  settings(): Record<string, string> {
    if (!this.servers) return {}
    const database = `bench_${randomBytes(6).toString('hex')}`
    return {
      ANSFLOW_DATABASE_URL: `${this.servers.database.replace(/\/$/, '')}/${database}`,
      ANSFLOW_NATS_URL: this.servers.nats,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shared?.catch(() => undefined)
    for (const one of this.#kept.splice(0).reverse()) await one[Symbol.asyncDispose]()
    await this.floor[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true, force: true })
  }
}

export function used(system: System): Use {
  return { controllerMs: processorMs(system.controller?.pid), agentMs: processorMs(system.agents[0]?.child?.pid) }
}

/** What a step's end has set going in the background is over. */
export async function quiet(system: System): Promise<void> {
  const busy = () => Object.values(used(system)).reduce((sum, ms) => sum + ms, 0)
  let before = Number.NEGATIVE_INFINITY
  const still = () => {
    const last = before
    before = busy()
    return before - last <= 10
  }
  await waitFor(still, { what: 'nothing is left to do', everyMs: 200, timeoutMs: 30_000 })
}

/** Starts a run and follows it to its end; answers its id. */
export async function runToEnd(system: System, pipelineId: string): Promise<string> {
  const runId = await system.start(pipelineId)
  for await (const { run } of system.api.runs.watchRun({ runId })) {
    if (!run || !isTerminal(run.status)) continue
    if (run.status !== RunStatus.SUCCEEDED) throw new Error(`A run ended otherwise than it should: ${run.reason}`)
    return runId
  }
  throw new Error('A run was followed to no end.')
}

/** A pipeline file of these steps: by name, what each needs and runs. */
export function pipelineFile(
  name: string,
  steps: Record<string, { needs?: string[]; run: string; workspace?: string; locks?: unknown[] }>,
  settings: { concurrency?: { group: string } } = {},
) {
  return JSON.stringify({ name, ...settings, steps })
}
