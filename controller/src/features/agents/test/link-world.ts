// One run, an agent, two controllers and all that may go wrong between them: the real sessions and the real engine, with agents that
// keep to the contract, on links that break, hosts that stop, and a database that is away now and then.
import { advance } from '@ansflow/engine/advance'
import { planRun } from '@ansflow/engine/plan'
import type { JobState, RunEvent, RunState } from '@ansflow/engine/state'
import { ControlRequestSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { HostFactsSchema } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { OnLost, PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { isTerminal, isTerminalJob, JobStatus } from '@ansflow/proto/status'
import { byPerson } from '@ansflow/proto/triggers/run-origin'
import { create } from '@bufbuild/protobuf'
import { manualClock } from '../../../platform/clock.ts'
import { createLog } from '../../../platform/log.ts'
import type { OfferedJob } from '../../runs/index.ts'
import { type AgentBook, AgentSession, superseded } from '../agent-session.ts'
import type { KnownAgent } from '../agent-tables.ts'
import { claimBy } from '../instances.ts'
import type { HeldJob, JobBook } from '../job-book.ts'
import { type ControlIn, lostAfterMs, ModelFolder, ModelProcess, type Wire } from './model-agent.ts'

const log = createLog('silent')
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Each end learns at a time of its own that the other is gone. */
export interface Link extends Wire {
  controller: ModelController
  session: AgentSession
}

export class ModelController {
  isAlive = true
  sessions = new Set<AgentSession>()
}

export class LinkWorld {
  readonly clock = manualClock()
  readonly state: RunState
  readonly agent: KnownAgent
  controllers = [new ModelController(), new ModelController()]
  folders = [new ModelFolder()]
  processes: ModelProcess[] = []
  links: Link[] = []
  /** Claims whose offer the controller is about to send. */
  claimed: { controller: ModelController; session: AgentSession; job: OfferedJob }[] = []
  /** Sessions that have not heard that another speaks for the agent. */
  untold = new Set<AgentSession>()
  #failing = 0
  /** Jobs whose process was begun. */
  readonly begun = new Set<string>()
  readonly startsOffers: boolean
  #helloNumber = 0

  constructor(startsOffers: boolean) {
    this.startsOffers = startsOffers
    const now = this.clock.now()
    const graph = create(PipelineGraphSchema, {
      name: 'p',
      steps: ['a', 'b', 'c', 'd'].map((id, index) => ({
        id,
        uses: 'custom',
        with: { script: 'true' },
        workspace: index % 2 ? 'isolated' : 'shared',
        needs: id === 'd' ? [{ stepId: 'a' }] : [],
        onLost: index < 2 ? OnLost.RETRY : OnLost.FAIL,
        secrets: index === 1 ? ['TOKEN'] : [],
      })),
    })
    let id = 0
    const ids = { runId: 'run', pipelineId: 'p', projectId: 'p' }
    const meta = {
      ...ids,
      number: 1,
      pipelineName: 'p',
      projectSlug: 'p',
      version: 1,
      variables: [],
      environments: [],
      priority: 0,
      newId: () => `job-${++id}`,
    }
    this.state = atOnce(planRun(graph, {}, { ...meta, origin: byPerson('', 'Ada') }, now))
    this.apply({ type: 'started' })
    const row = { id: 'agent', organizationId: 'o', name: 'agent', reported: [], capabilities: ['shell'], slots: 3 }
    const times = { instanceSince: null, doubledAt: null, leftAt: null, lastSeenAt: now, registeredAt: now }
    const of = {
      version: '',
      host: create(HostFactsSchema),
      load: null,
      draining: false,
      takesUntrusted: false,
      sessionId: null,
    }
    this.agent = { ...row, ...of, ...times, instances: '' }
    this.startProcess(this.folders[0]!)
  }

  get isOver(): boolean {
    return isTerminal(this.state.status)
  }

  apply(event: RunEvent): 'applied' | 'unchanged' | 'stale' {
    return atOnce(advance(this.state, event, this.clock.now())).result
  }

  async #store<T>(controller: ModelController, work: () => T): Promise<T> {
    await Promise.resolve()
    // Nobody hears any more of what a controller that was killed had begun.
    if (!controller.isAlive) return new Promise(() => undefined)
    if (this.#failing > 0) {
      this.#failing--
      throw new Error('the database is away')
    }
    return work()
  }

  #jobBook(controller: ModelController): JobBook {
    const held = (): HeldJob[] =>
      [...this.state.jobs.values()].filter(isWithAgent).map((job) => ({
        jobId: job.id,
        runId: 'run',
        epoch: job.epoch,
        phase: phases[job.status]!,
        offeredAt: job.offeredAt!,
        cancelRequested: job.cancelRequested,
      }))
    return {
      heldBy: () => this.#store(controller, held),
      find: (jobId) =>
        this.#store(controller, () => {
          const job = this.state.jobs.get(jobId)
          if (!job) return null
          const hasEnded = isTerminalJob(job.status) && job.status !== JobStatus.LOST
          return { runId: 'run', epoch: job.epoch, agentId: job.agentId, hasEnded, logComplete: job.logComplete }
        }),
      submit: (_runId, event) => this.#store(controller, () => this.apply(event)),
      secrets: () => this.#store(controller, () => ({ values: [], missing: [] })),
    }
  }

  /** What the agent's row is to sessions: see agent-book.ts. */
  #agentBook(controller: ModelController): AgentBook {
    const { agent, clock } = this
    return {
      claim: (_agentId, sessionId, hello) =>
        this.#store(controller, () => {
          const claim = claimBy({ instances: agent.instances, helloNumber: this.#helloNumber }, hello)
          if (claim === 'late') throw superseded()
          if (claim === 'doubled') {
            agent.doubledAt ??= clock.now()
            throw new Error('in use')
          }
          const isThere = agent.sessionId !== null && clock.now().getTime() - agent.lastSeenAt!.getTime() < 15_000
          if (claim.isOther && agent.doubledAt && isThere) throw new Error('in use')
          for (const { session } of this.links) if (session.id === agent.sessionId) this.untold.add(session)
          this.#helloNumber = claim.helloNumber
          const since = claim.isOther ? { instanceSince: clock.now() } : {}
          Object.assign(agent, { instances: claim.instances, sessionId, lastSeenAt: clock.now(), ...since })
          return { ...agent }
        }),
      seen: (_agentId, sessionId) =>
        this.#store(controller, () => {
          if (agent.sessionId !== sessionId) return false
          agent.lastSeenAt = clock.now()
          return true
        }),
      ended: (_agentId, sessionId) =>
        this.#store(controller, () => {
          if (agent.sessionId === sessionId) agent.sessionId = null
        }),
    }
  }

  startProcess(folder: ModelFolder): void {
    const before = this.processes.find((process) => process.folder === folder && process.isAlive)
    if (!before) this.processes.push(new ModelProcess(this, folder, this.startsOffers))
  }

  connect(process: ModelProcess, controller: ModelController): void {
    const { sessions } = controller
    const toAgent: ControlIn[] = []
    const session = new AgentSession(
      {
        clock: this.clock,
        log,
        lostAfterMs,
        jobs: this.#jobBook(controller),
        agents: this.#agentBook(controller),
        onSpeaks: (speaking) => {
          for (const older of sessions) if (older !== speaking) older.close(superseded())
          sessions.add(speaking)
        },
        onFree: () => undefined,
        onReady: () => undefined,
        onJobs: () => undefined,
        onClosed: (closed) => sessions.delete(closed),
      },
      'agent',
      { send: (message) => void toAgent.push(message), close: () => void toAgent.push({ case: 'closed' }) },
    )
    const link: Link = { controller, session, toAgent, toController: [] }
    this.links.push(link)
    process.open(link)
  }

  /** The controller gets the next message of the link. */
  async hear(link: Link): Promise<void> {
    const kind = link.toController.shift()
    if (!kind || !link.controller.isAlive || link.session.state === 'closed') return
    try {
      await link.session.onMessage(create(ControlRequestSchema, { kind }))
    } catch (error) {
      link.toAgent.push({ case: (error as Error).message === 'in use' ? 'inUse' : 'closed' })
      link.session.onClose()
    }
  }

  /** A dispatcher gives a job to the session; the offer is sent a moment after the commit, if ever. */
  claim(session: AgentSession, controller: ModelController, job: JobState): void {
    if (!session.takesOffers || job.status !== JobStatus.QUEUED || job.availableAt > this.clock.now()) return
    const seat = session.seat()
    const event = { type: 'jobOffered', jobId: job.id, agentId: 'agent', agentName: 'agent' } as const
    if (this.apply(event) !== 'applied') {
      seat.giveBack()
      return
    }
    const spec = {
      runId: 'run',
      stepId: job.step.definition.id,
      selfFence: job.step.definition.onLost === OnLost.RETRY,
    }
    const offered = { jobId: job.id, runId: 'run', epoch: job.epoch, secrets: job.secrets.length > 0 }
    this.claimed.push({ controller, session, job: { ...offered, spec: spec as OfferedJob['spec'] } })
    seats.set(offered.jobId + offered.epoch, seat.offer)
  }

  sendClaimed(): void {
    for (const { controller, job } of this.claimed.splice(0)) {
      if (controller.isAlive) seats.get(job.jobId + job.epoch)!(job)
    }
  }

  /** The next so many statements do. */
  fail(times: number): void {
    this.#failing = times
  }

  /** Its sessions say and do nothing any more, not even that they end. */
  restart(index: number): void {
    const old = this.controllers[index]!
    old.isAlive = false
    this.controllers[index] = new ModelController()
    for (const link of this.links) if (link.controller === old) link.toAgent.push({ case: 'closed' })
  }

  /** What the loops of a controller do: the agent is lost, and whoever does not speak for it any more hears so. */
  sweep(): void {
    const { lastSeenAt } = this.agent
    if (this.clock.now().getTime() - lastSeenAt!.getTime() < lostAfterMs) return
    for (const { id: jobId, epoch } of [...this.state.jobs.values()].filter(isWithAgent)) {
      this.apply({ type: 'jobLost', jobId, epoch })
    }
  }

  tell(): void {
    for (const session of this.untold) session.onRow({ ...this.agent })
    this.untold.clear()
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    for (const folder of this.folders) folder.fence(this.clock.now().getTime())
    await settle()
  }

  /** A step's process begins: never twice for one job, and not while one of an attempt before may run. */
  begins(jobId: string): void {
    if (this.begun.has(jobId)) throw new Error(`${jobId} was begun twice`)
    this.begun.add(jobId)
    const { step } = this.state.jobs.get(jobId)!
    for (const { id } of step.attempts) {
      const still = this.folders.some((folder) => folder.jobs.get(id)?.phase === 'running')
      if (id !== jobId && still) throw new Error(`${jobId} was begun beside ${id}`)
    }
  }

  readonly settle = settle
}

const seats = new Map<string, (job: OfferedJob) => void>()
const phases: Partial<Record<JobStatus, HeldJob['phase']>> = {
  [JobStatus.OFFERED]: 'offered',
  [JobStatus.ACCEPTED]: 'accepted',
  [JobStatus.RUNNING]: 'running',
}

function isWithAgent({ status, agentId }: JobState): boolean {
  return !isTerminalJob(status) && status !== JobStatus.QUEUED && agentId === 'agent'
}
