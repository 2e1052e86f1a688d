// One agent's control stream as a state machine over a pipe:
//
//   awaitingHello ──hello──▶ ready ──draining──▶ draining
//        └──────────────────── any end ──────────────────▶ closed
//
// What it says about jobs goes to HeldJobs.
import { AppError, invalidField, toAppError, unavailable } from '@ansflow/proto/errors'
import type { ControlRequest, Hello, JobRef } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { HostLoad } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { limits } from '@ansflow/proto/limits'
import type { Clock } from '../../platform/clock.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Logger } from '../../platform/log.ts'
import type { Seat } from '../runs/index.ts'
import { heartbeatMs } from './agent-status.ts'
import type { KnownAgent } from './agent-tables.ts'
import { HeldJobs } from './held-jobs.ts'
import type { ControlInit } from './holding-session.ts'
import { isAlone } from './instances.ts'
import type { HeldJob, JobBook } from './job-book.ts'

/** The stream without what carries it. */
export interface ControlPipe {
  send(message: ControlInit): void
  close(error?: AppError): void
}

/** The agent's row, as far as sessions touch it. */
export interface AgentBook {
  /**
   * Makes this session the one that speaks for the agent; null when there is no such agent any more. Throws when another process
   * does, and this one is no newer.
   */
  claim(agentId: string, sessionId: string, hello: Hello): Promise<KnownAgent | null>
  /** False: another session speaks for it now, or it is gone. */
  seen(agentId: string, sessionId: string, load: HostLoad | undefined): Promise<boolean>
  /** Its stream is over; `leaves`: it said goodbye with nothing left to do. */
  ended(agentId: string, sessionId: string, leaves: boolean): Promise<void>
}

export interface SessionDeps {
  clock: Clock
  log: Logger
  jobs: JobBook
  agents: AgentBook
  lostAfterMs: number
  /** It speaks for the agent from now on. */
  onSpeaks(session: AgentSession): void
  /** The session can take offers (again). */
  onFree(session: AgentSession): void
  onReady(session: AgentSession): void
  /** It got, started or ended a job. */
  onJobs(session: AgentSession): void
  onClosed(session: AgentSession): void
}

export type SessionState = 'awaitingHello' | 'ready' | 'draining' | 'closed'

export class AgentSession {
  readonly id = uuidv7()
  readonly agentId: string
  state: SessionState = 'awaitingHello'
  /** A person wants it to take no new jobs. */
  drainWanted = false
  agent: KnownAgent | null = null
  readonly #deps: SessionDeps
  readonly #pipe: ControlPipe
  readonly #jobs: HeldJobs
  /** Slots kept for jobs that are being claimed. */
  #kept = 0
  #startsOffers = false

  constructor(deps: SessionDeps, agentId: string, pipe: ControlPipe) {
    this.#deps = deps
    this.#pipe = pipe
    this.agentId = agentId
    const session = this
    this.#jobs = new HeldJobs(deps.jobs, deps.clock, {
      agentId,
      get closed() {
        return session.closed
      },
      get startsOffers() {
        return session.#startsOffers
      },
      send: (message) => this.#send(message),
      warn: (error, message) => this.#warn(error, message),
      fail: (error) => this.close(toAppError(error)),
      freed: () => deps.onFree(this),
      changed: () => deps.onJobs(this),
    })
  }

  get busy(): number {
    return this.#jobs.busy + this.#kept
  }

  get takesOffers(): boolean {
    return this.state === 'ready' && !this.drainWanted && this.agent !== null && this.busy < this.agent.slots
  }

  /** Resolves when the next message may be given; only the hello makes others wait. */
  async onMessage({ kind }: ControlRequest): Promise<void> {
    if (this.state === 'closed') return
    if (this.state === 'awaitingHello') {
      if (kind.case !== 'hello') throw new AppError('failed_precondition', 'The first message must be a hello.')
      return this.#hello(kind.value)
    }
    switch (kind.case) {
      case 'hello':
        throw new AppError('failed_precondition', 'A stream has one hello.')
      case 'heartbeat':
        return this.#heartbeat(kind.value.load, kind.value.running)
      case 'accept':
        return this.#jobs.accept(kind.value.job, kind.value)
      case 'reject':
        return this.#jobs.reject(kind.value.job, kind.value.reason)
      case 'started':
        return this.#jobs.started(kind.value.job, kind.value)
      case 'finished':
        return this.#jobs.finished(kind.value.job, kind.value)
      case 'draining':
        this.state = 'draining'
        return
    }
  }

  onClose(): void {
    if (this.state === 'closed') return
    const leaves = this.state === 'draining' && this.#jobs.size === 0
    const spoke = this.agent !== null
    this.state = 'closed'
    this.#jobs.leave()
    if (spoke) {
      this.#deps.agents
        .ended(this.agentId, this.id, leaves)
        .catch((error: unknown) => this.#warn(error, 'the end of a stream could not be noted'))
    }
    this.#deps.onClosed(this)
  }

  /** Ends the stream from this side. */
  close(error?: AppError): void {
    if (this.state === 'closed') return
    this.#pipe.close(error)
    this.onClose()
  }

  /** Keeps a slot for a job that is about to be claimed. */
  seat(): Seat {
    this.#kept++
    return {
      agentId: this.agentId,
      agentName: this.agent?.name ?? '',
      offer: (job) => {
        this.#kept--
        this.#jobs.offer(job)
      },
      giveBack: () => {
        this.#kept--
        this.#deps.onFree(this)
      },
    }
  }

  /** Tells the agent of the cancels its jobs' rows ask for. */
  async deliverCancels(): Promise<void> {
    if (this.state === 'ready' || this.state === 'draining') await this.#jobs.deliverCancels()
  }

  /** The agent's row changed: what people want of it, or who speaks for it. */
  onRow(agent: KnownAgent | null): void {
    if (this.state === 'closed' || this.state === 'awaitingHello') return
    if (agent?.sessionId !== this.id) {
      this.close(agent?.sessionId ? superseded() : withoutIdentity(agent))
      return
    }
    this.agent = agent
    if (this.drainWanted === agent.draining) return
    this.drainWanted = agent.draining
    this.#send({ case: 'drain', value: { drain: agent.draining } })
    this.#deps.onFree(this)
  }

  async #hello(hello: Hello): Promise<void> {
    refuseMany('hello.jobs', hello.jobs)
    const agent = await this.#deps.agents.claim(this.agentId, this.id, hello)
    if (!agent) throw withoutIdentity(agent)
    this.agent = agent
    this.drainWanted = agent.draining
    this.#startsOffers = hello.startsOffers
    // An older one offers nothing after this, so all that it has offered is among the rows.
    if (!this.closed) this.#deps.onSpeaks(this)
    const held = await this.#jobs.load()
    // Nor has a newer one, so the hello knows of all that has been offered.
    if (!(await this.#deps.agents.seen(this.agentId, this.id, undefined))) throw superseded()
    const told = new Map(hello.jobs.flatMap((snapshot) => (snapshot.job ? [[snapshot.job.jobId, snapshot]] : [])))
    const forget = await this.#jobs.unknown(told.values())
    if (this.closed) return
    this.state = 'ready'
    this.#send({
      case: 'welcome',
      value: {
        agentId: this.agentId,
        heartbeatMs,
        lostAfterMs: this.#deps.lostAfterMs,
        forget,
        cancel: cancelsAmong(held).filter(({ jobId }) => told.has(jobId)),
        drain: this.drainWanted,
      },
    })
    this.#jobs.reconcile(told, forget, this.#fencedAt(agent))
    this.#deps.onReady(this)
  }

  /** When a job of which the hello does not tell has ended with another process of the agent, which may run it until it has fenced itself. */
  #fencedAt({ instanceSince, instances }: KnownAgent): (job: HeldJob) => Date | undefined {
    if (!instanceSince) return () => undefined
    const fencedAt = new Date(instanceSince.getTime() + this.#deps.lostAfterMs)
    const alone = isAlone(instances)
    return ({ phase, offeredAt }) => {
      // One that has ended without journaling an offer had not started it. To one that may not have, a session that had not heard of
      // this one may have offered some since.
      const isElsewhere = alone ? phase !== 'offered' && offeredAt < instanceSince : offeredAt < fencedAt
      return isElsewhere ? fencedAt : undefined
    }
  }

  async #heartbeat(load: HostLoad | undefined, running: JobRef[]): Promise<void> {
    refuseMany('heartbeat.running', running)
    if (!(await this.#deps.agents.seen(this.agentId, this.id, load))) return this.close(superseded())
    const held = await this.#deps.jobs.heldBy(this.agentId)
    if (this.closed) return
    this.#send({ case: 'heartbeatAck', value: { cancel: cancelsAmong(held), drain: this.drainWanted } })
    this.#jobs.refuseForeign(running)
    if (!this.#jobs.knowsAll(held)) this.close(unavailable('The agent may have a job that it has not told of.'))
  }

  get closed(): boolean {
    return this.state === 'closed'
  }

  #send(message: ControlInit): void {
    if (!this.closed) this.#pipe.send(message)
  }

  #warn(error: unknown, message: string): void {
    this.#deps.log.warn({ err: error, agentId: this.agentId, sessionId: this.id }, message)
  }
}

function cancelsAmong(held: HeldJob[]): { jobId: string; epoch: number }[] {
  return held.flatMap(({ jobId, epoch, cancelRequested }) => (cancelRequested ? [{ jobId, epoch }] : []))
}

function refuseMany(field: string, jobs: unknown[]): void {
  if (jobs.length > limits.jobsOfAnAgent) throw invalidField(field, `has more than ${limits.jobsOfAnAgent} jobs`)
}

export function superseded(): AppError {
  return new AppError('aborted', 'Another connection speaks for this agent now.', { reason: 'superseded' })
}

/** Nobody can speak for the agent any more by what they have. */
export function withoutIdentity(agent: KnownAgent | null): AppError {
  return new AppError('unauthenticated', agent ? 'The identity of this agent was renewed.' : 'This agent was deleted.')
}
