// A whole AnsFlow for a test: controller and agents as real processes, which can be killed and started again.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentService, AgentStatus } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { type Run, RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import type { DescService, JsonObject } from '@bufbuild/protobuf'
import { type Client, createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import { controllerProgram } from '../../deploy/dev/controller-node.ts'
import { root } from '../../deploy/dev/run-command.ts'
import { freePort } from '../../deploy/dev/test-servers.ts'
import { knowTools } from './known-tools.ts'
import { waitFor } from './wait-for.ts'

export const admin = {
  email: 'owner@example.test',
  password: 'correct horse battery',
  token: `af_${'e2e0'.repeat(12)}`,
}

interface SystemOptions {
  /** Environment of the controller beyond the usual. */
  env?: Record<string, string>
  /** Start without an admin: set-up is part of the test. */
  empty?: boolean
  /** Slots of the first agent; 0: no agent. */
  slots?: number
  labels?: string[]
  /** What the controller's command is started by, with its data folder as the last word before it. */
  through?: string[]
  /** Words for the controller's Node. */
  flags?: string[]
  /** The checkout whose programs run, installed and built. */
  root?: string
}

export class System implements AsyncDisposable {
  readonly folder: string
  readonly httpPort: number
  readonly grpcPort: number
  readonly agents: AgentProcess[] = []
  controller: ChildProcess | undefined
  /** Everything the controller printed, all starts. */
  output = ''
  readonly #options: SystemOptions

  constructor(folder: string, httpPort: number, grpcPort: number, options: SystemOptions) {
    this.folder = folder
    this.httpPort = httpPort
    this.grpcPort = grpcPort
    this.#options = options
  }

  get root(): string {
    return this.#options.root ?? root
  }

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}`
  }

  client<S extends DescService>(service: S, token = admin.token): Client<S> {
    return createClient(
      service,
      createConnectTransport({
        baseUrl: `${this.url}/api`,
        httpVersion: '1.1',
        useBinaryFormat: false,
        interceptors: [
          (next) => (request) => {
            request.header.set('authorization', `Bearer ${token}`)
            return next(request)
          },
        ],
      }),
    )
  }

  readonly api = lazyClients(this)

  async startController(): Promise<void> {
    const data = join(this.folder, 'data')
    const { through, flags = [] } = this.#options
    if (through) await mkdir(data, { recursive: true })
    const before = through ? [...through, data] : []
    const [program, ...words] = [...before, process.execPath, ...flags, controllerOf(this.root), 'serve']
    const child = spawn(program!, words, {
      cwd: this.root,
      env: {
        PATH: process.env.PATH,
        ANSFLOW_HTTP: `127.0.0.1:${this.httpPort}`,
        ANSFLOW_GRPC: `127.0.0.1:${this.grpcPort}`,
        ANSFLOW_DATA: data,
        ANSFLOW_LOG_LEVEL: 'warn',
        ...(this.#options.empty
          ? {}
          : {
              ANSFLOW_ADMIN_EMAIL: admin.email,
              ANSFLOW_ADMIN_PASSWORD: admin.password,
              ANSFLOW_ADMIN_TOKEN: admin.token,
            }),
        ...this.#options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
    }
    this.controller = child
    await waitFor(
      async () => {
        if (child.exitCode !== null)
          throw new Error(`The controller ended with code ${child.exitCode}:\n${this.output}`)
        return (await fetch(`${this.url}/readyz`).catch(() => undefined))?.ok
      },
      { what: 'the controller is ready', timeoutMs: 30_000, fatal: () => child.exitCode !== null },
    )
  }

  async killController(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.controller) await endedBy(this.controller, signal)
    this.controller = undefined
  }

  async addAgent(options: AgentOptions & { name?: string } = {}): Promise<AgentProcess> {
    const { token } = await this.api.agents.createRegistrationToken({})
    const agent = new AgentProcess(this, options.name ?? `agent-${this.agents.length + 1}`, options, token)
    this.agents.push(agent)
    await agent.start()
    return agent
  }

  /** The agent that comes with `npm start`: it has the token that the controller was started with, and nobody need exist yet. */
  startLocalAgent(token: string): AgentProcess {
    const agent = new AgentProcess(this, 'local', {}, token)
    this.agents.push(agent)
    agent.spawn()
    return agent
  }

  /** Makes a project with a published pipeline and answers their ids. */
  async pipeline(yaml: string, project = 'Test'): Promise<{ projectId: string; pipelineId: string }> {
    const known = (await this.api.projects.listProjects({})).projects.find((one) => one.name === project)
    const projectId = known?.id ?? (await this.api.projects.createProject({ name: project })).project?.id ?? ''
    const applied = await this.api.pipelines.applyPipeline({ projectId, yaml, publish: true })
    const errors = applied.problems.filter((problem) => problem.severity === 1)
    if (errors.length > 0) throw new Error(errors.map((problem) => problem.message).join('\n'))
    return { projectId, pipelineId: applied.pipeline?.id ?? '' }
  }

  async start(pipelineId: string, inputs: JsonObject = {}): Promise<string> {
    return (await this.api.runs.startRun({ pipelineId, inputs })).run?.id ?? ''
  }

  async run(runId: string): Promise<Run> {
    const { run } = await this.api.runs.getRun({ runId })
    if (!run) throw new Error(`no run ${runId}`)
    return run
  }

  async ended(runId: string, timeoutMs = 60_000): Promise<Run> {
    return waitFor(
      async () => {
        const run = await this.run(runId)
        return isTerminal(run.status) ? run : undefined
      },
      { what: `run ${runId} has ended`, timeoutMs },
    )
  }

  async log(runId: string, stepId: string, attempt = 0): Promise<string> {
    const query = attempt > 0 ? `?attempt=${attempt}` : ''
    const response = await fetch(`${this.url}/download/runs/${runId}/steps/${encodeURIComponent(stepId)}/log${query}`, {
      headers: { authorization: `Bearer ${admin.token}` },
    })
    if (!response.ok) throw new Error(`log of ${stepId}: ${response.status} ${await response.text()}`)
    return response.text()
  }

  /** The log once all of it is stored: it may come after the step's end, on a stream of its own. */
  async wholeLog(runId: string, stepId: string): Promise<string> {
    await waitFor(
      async () => (await this.run(runId)).steps.find((step) => step.id === stepId)?.attempts.at(-1)?.logComplete,
      { what: `the log of ${stepId} is complete`, timeoutMs: 60_000 },
    )
    return this.log(runId, stepId)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.agents) await agent.stop()
    if (this.controller) await endedBy(this.controller, 'SIGTERM')
    await rm(this.folder, { recursive: true, force: true })
  }
}

function lazyClients(system: System) {
  return {
    get auth() {
      return system.client(AuthService)
    },
    get projects() {
      return system.client(ProjectService)
    },
    get pipelines() {
      return system.client(PipelineService)
    },
    get runs() {
      return system.client(RunService)
    },
    get logs() {
      return system.client(LogService)
    },
    get agents() {
      return system.client(AgentService)
    },
  }
}

interface AgentOptions {
  slots?: number
  labels?: string[]
  env?: Record<string, string>
}

export class AgentProcess {
  readonly name: string
  child: ChildProcess | undefined
  output = ''
  readonly #system: System
  readonly #options: AgentOptions
  #token: string

  constructor(system: System, name: string, options: AgentOptions, token: string) {
    this.#system = system
    this.name = name
    this.#options = options
    this.#token = token
  }

  get data(): string {
    return join(this.#system.folder, this.name)
  }

  /** Trades another token for the identity in its folder. */
  async register(token: string): Promise<void> {
    this.#token = token
    const [code] = await once(this.spawn('register'), 'exit')
    if (code !== 0) throw new Error(`The agent could not register: ${this.output}`)
  }

  spawn(command: 'run' | 'register' = 'run'): ChildProcess {
    const child = spawn(process.execPath, [join(this.#system.root, 'agent/dist/ansflow-agent.mjs'), command], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        ANSFLOW_AGENT_URL: `127.0.0.1:${this.#system.grpcPort}`,
        ANSFLOW_AGENT_TOKEN: this.#token,
        ANSFLOW_AGENT_NAME: this.name,
        ANSFLOW_AGENT_DATA: this.data,
        ANSFLOW_AGENT_SLOTS: String(this.#options.slots ?? 4),
        // This host may have a runtime, or not.
        ANSFLOW_AGENT_CONTAINERS: 'off',
        ...(this.#options.labels ? { ANSFLOW_AGENT_LABELS: this.#options.labels.join(',') } : {}),
        ...this.#options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
    }
    this.child = child
    return child
  }

  /** Starts it and waits until the controller shows it online. */
  async start(): Promise<void> {
    knowTools(this.data)
    const child = this.spawn()
    await waitFor(
      async () => {
        const { agents } = await this.#system.api.agents.listAgents({})
        return agents.some((agent) => agent.name === this.name && agent.status === AgentStatus.ONLINE)
      },
      {
        what: `${this.name} is online`,
        timeoutMs: 20_000,
        fatal: () => child.exitCode !== null,
        detail: () => this.output,
      },
    )
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child) await endedBy(this.child, signal)
    this.child = undefined
  }

  /** Two signals (of one kind they might arrive as one): it cancels what still runs and goes. */
  async stop(): Promise<void> {
    const { child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGINT')
    await endedBy(child, 'SIGTERM')
    this.child = undefined
  }
}

async function endedBy(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  await gone
  clearTimeout(timer)
}

/** Older checkouts, which a benchmark compares with, have no bundle. */
function controllerOf(checkout: string): string {
  const bundle = join(checkout, controllerProgram)
  return existsSync(bundle) ? bundle : join(checkout, 'controller/src/main.ts')
}

export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'ansflow-e2e-'))
  const system = new System(folder, await freePort(), await freePort(), options)
  try {
    await system.startController()
    if (!options.empty && options.slots !== 0) await system.addAgent({ ...options })
  } catch (error) {
    await system[Symbol.asyncDispose]()
    throw error
  }
  return system
}
