// An agent that keeps to the contract, without a host: a data folder whose jobs outlive the processes that have it, and such a process.
import {
  type ControlRequest,
  type ControlRequestSchema,
  type FinishedSchema,
  JobPhase,
  type JobRef,
  type OfferSchema,
  Outcome,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Clock } from '../../../platform/clock.ts'
import type { ControlInit } from '../holding-session.ts'

export const lostAfterMs = 30_000

/** What comes over a link, its end too. */
export type ControlIn = ControlInit | { case: 'closed' | 'inUse' }
type ControlOut = NonNullable<MessageInitShape<typeof ControlRequestSchema>['kind']>

/** Both directions of one stream, in order. */
export interface Wire {
  toAgent: ControlIn[]
  toController: ControlRequest['kind'][]
}

interface ModelHost {
  clock: Clock
  /** A step's process begins. */
  begins(jobId: string): void
}

interface ModelJob {
  ref: { jobId: string; epoch: number }
  phase: 'accepted' | 'running' | 'finished'
  selfFence: boolean
  outcome?: Outcome
}

export class ModelFolder {
  readonly jobs = new Map<string, ModelJob>()
  /** Processes that had it, the latest first. */
  instances: string[] = []
  /** When a controller last heard something of the agent that has it. */
  contactAt = Number.NEGATIVE_INFINITY

  /** What outlives the agent ends the jobs that another agent may repeat. */
  fence(now: number): void {
    if (this.isInTouch(now)) return
    for (const job of this.jobs.values()) if (job.selfFence && job.phase === 'running') end(job, Outcome.LOST)
  }

  isInTouch(now: number): boolean {
    return now - this.contactAt < 0.9 * lostAfterMs
  }
}

let count = 0

export class ModelProcess {
  readonly id = `process-${++count}`
  readonly folder: ModelFolder
  isAlive = true
  link: Wire | undefined
  readonly #host: ModelHost
  readonly #startsOffers: boolean
  readonly #former: string[]
  /** When the heartbeats were sent that are not answered. */
  #asked: number[] = []
  #hellos = 0
  readonly #over = new Map<string, number>()

  constructor(host: ModelHost, folder: ModelFolder, startsOffers: boolean) {
    this.#host = host
    this.folder = folder
    this.#startsOffers = startsOffers
    this.#former = folder.instances
    folder.instances = [this.id, ...folder.instances].slice(0, 8)
  }

  open(link: Wire): void {
    this.link = link
    this.#asked = [this.#now]
    const jobs = [...this.folder.jobs.values()].map((job) => {
      const phase = { accepted: JobPhase.ACCEPTED, running: JobPhase.RUNNING, finished: JobPhase.FINISHED }[job.phase]
      return { job: job.ref, phase, ...(job.phase === 'finished' && { finished: resultOf(job) }) }
    })
    const words = { startsOffers: true, formerInstanceIds: this.#former, helloNumber: ++this.#hellos }
    const more = this.#startsOffers ? words : {}
    this.say({ case: 'hello', value: { slots: 3, instanceId: this.id, jobs, ...more } })
  }

  cut(): void {
    this.link = undefined
  }

  /** Its jobs go on; what it has sent may still arrive. */
  die(): void {
    this.isAlive = false
  }

  heartbeat(): void {
    // The other side has fallen silent.
    if (this.#now - this.#asked[0]! > 15_000) {
      this.link = undefined
      return
    }
    this.#asked.push(this.#now)
    const running = [...this.folder.jobs.values()].filter(({ phase }) => phase !== 'finished').map(({ ref }) => ref)
    this.say({ case: 'heartbeat', value: { running } })
  }

  say(kind: ControlOut): void {
    this.link?.toController.push(kind as never)
  }

  /** Some job of the folder comes to its end. */
  endOne(pick: number): void {
    const running = [...this.folder.jobs.values()].filter(({ phase }) => phase === 'running')
    const job = running[pick % running.length]
    if (!job) return
    end(job, Outcome.SUCCEEDED)
    this.say({ case: 'finished', value: resultOf(job) })
  }

  tellStarted(): void {
    for (const { ref, phase } of this.folder.jobs.values()) {
      if (phase === 'running') this.say({ case: 'started', value: { job: ref } })
    }
  }

  /** What is not answered is said again. */
  repeat(): void {
    for (const job of this.folder.jobs.values()) {
      if (job.phase === 'finished') this.say({ case: 'finished', value: resultOf(job) })
      if (job.phase === 'accepted') this.say({ case: 'accept', value: { job: job.ref } })
    }
  }

  hear(): void {
    const message = this.link?.toAgent.shift()
    if (!message) return
    switch (message.case) {
      case 'closed':
        this.cut()
        return
      case 'inUse':
        this.folder.jobs.clear()
        this.die()
        return
      case 'welcome':
        this.#heard()
        for (const ref of message.value.forget ?? []) this.#forget(ref as JobRef)
        return
      case 'heartbeatAck':
        this.#heard()
        for (const ref of message.value.cancel ?? []) this.#cancel(ref as JobRef)
        return
      case 'offer':
        this.#offer(message.value)
        return
      case 'start':
        this.#start(message.value.job as JobRef)
        return
      case 'cancel':
        this.#cancel(message.value.job as JobRef)
        return
      case 'finishedAck':
      case 'stale':
        this.#forget(message.value.job as JobRef)
        return
    }
  }

  get #now(): number {
    return this.#host.clock.now().getTime()
  }

  #heard(): void {
    this.folder.contactAt = Math.max(this.folder.contactAt, this.#asked.shift() ?? 0)
  }

  #known({ jobId, epoch }: JobRef): ModelJob | undefined {
    const job = this.folder.jobs.get(jobId)
    return job?.ref.epoch === epoch ? job : undefined
  }

  #offer({ job: given, spec, start }: MessageInitShape<typeof OfferSchema>): void {
    const ref = given as JobRef
    const { jobs } = this.folder
    if (this.#known(ref) || (this.#over.get(ref.jobId) ?? -1) >= ref.epoch) return
    const busy = [...jobs.values()].filter(({ phase }) => phase !== 'finished').length
    if (busy >= 3) {
      this.say({ case: 'reject', value: { job: ref, reason: 'no free slot' } })
      return
    }
    jobs.set(ref.jobId, { ref, phase: 'accepted', selfFence: spec?.selfFence ?? false })
    if (start && this.folder.isInTouch(this.#now)) this.#start(ref)
    else this.say({ case: 'accept', value: { job: ref } })
  }

  #start(ref: JobRef): void {
    const job = this.#known(ref)
    if (job?.phase !== 'accepted') return
    if (job.selfFence && !this.folder.isInTouch(this.#now)) end(job, Outcome.LOST)
    else {
      job.phase = 'running'
      this.#host.begins(ref.jobId)
    }
  }

  #cancel(ref: JobRef): void {
    const job = this.#known(ref)
    if (!job || job.phase === 'finished') return
    end(job, Outcome.CANCELED)
    this.say({ case: 'finished', value: resultOf(job) })
  }

  #forget(ref: JobRef): void {
    if (this.#known(ref)) this.folder.jobs.delete(ref.jobId)
    this.#over.set(ref.jobId, ref.epoch)
  }
}

function end(job: ModelJob, outcome: Outcome): void {
  job.phase = 'finished'
  job.outcome = outcome
}

function resultOf({ ref, outcome }: ModelJob): MessageInitShape<typeof FinishedSchema> {
  return { job: ref, outcome: outcome!, ...(outcome === Outcome.SUCCEEDED && { exitCode: 0 }) }
}
