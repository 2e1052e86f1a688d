// Owns one job's life on this host, from its place in the journal to its removal: accepted → running → ending → finished.
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Finished,
  JobPhase,
  type JobRef,
  type JobSnapshotSchema,
  type JobSpec,
  Outcome,
  type SecretValue,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { limits } from '@ansflow/proto/limits'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ControlMessage } from '../link/rpc-client.ts'
import { openLog, sayIfKept, secretsKnown } from '../log/job-log.ts'
import type { ShippedJob } from '../log/log-shipper.ts'
import type { LogSpool } from '../log/log-spool.ts'
import { type Log, textOf } from '../log.ts'
import { type ReadReports, readReports } from '../reports/read-reports.ts'
import type { StepContext, StepHost } from '../steps/step-kind.ts'
import { finishedMessage, unreadReports } from './finished-message.ts'
import { JobCourse } from './job-course.ts'
import { JobResult } from './job-result.ts'
import { standingOf } from './job-standing.ts'
import type { Intent, JobFolder } from './journal.ts'
import { type Ending, endingOf, failureOf, lost } from './outcome.ts'
import type { Workspaces } from './workspace.ts'

/** The next step's start comes first. */
const REMOVE_AFTER_MS = 20
const TOO_MANY_SECRETS = `Its secrets have more than ${limits.maskBytes} bytes together; they could not be masked.`

/** What a job needs of the agent. */
export interface JobHost extends StepHost {
  workspaces: Workspaces
  log: Log
  /** To the controller, when there is a session; the hello of the next one repeats what matters. */
  send(message: ControlMessage): void
  /** There is something to ship. */
  logGrew(job: JobRunner): void
  /** Nothing is left of it. */
  gone(job: JobRunner): void
  isConnected(): boolean
  /** Asked before a job runs that another agent may repeat. False: the controller may have given it up. */
  armFence(): boolean
}

type Phase = 'accepted' | 'running' | 'ending' | 'finished' | 'gone'

export class JobRunner implements ShippedJob {
  readonly ref: JobRef
  readonly spec: JobSpec
  phase: Phase = 'accepted'
  spool: LogSpool | undefined
  readonly #folder: JobFolder
  readonly #host: JobHost
  readonly #course: JobCourse
  readonly #result: JobResult
  #secrets: readonly SecretValue[] = []
  #reports: ReadReports | undefined
  /** Once it is prepared. */
  #workspace: string | undefined
  /** It is going away; settled when its folder is gone. */
  #leaving: Promise<void> | undefined

  constructor(folder: JobFolder, host: JobHost) {
    this.ref = folder.ref
    this.spec = folder.spec
    this.#folder = folder
    this.#host = host
    this.#result = new JobResult(folder, host)
    this.#course = new JobCourse(folder, {
      spool: () => this.spool,
      context: () => this.#context(),
      secretsKnown: () => this.#secretsKnown(),
      started: (at) => this.#result.tellStarted(at),
      grew: () => host.logGrew(this),
      keep: (intent) => this.#result.keepIntent(intent),
      ended: (ending, hasBegun) => this.#end(ending, hasBegun),
      failed: (reason) => void this.#giveUp(reason),
    })
  }

  /** One whose end the controller knows has none, to it: an agent before this one has told that, and was killed right after. */
  get usesSlot(): boolean {
    return this.phase !== 'finished' && this.phase !== 'gone' && !this.#result.isAcknowledged
  }

  /** `withResult` false: a result follows in a message of its own. */
  snapshot(withResult = true): MessageInitShape<typeof JobSnapshotSchema> {
    const at = this.#course.startedAt
    const startedAt = at === undefined ? {} : { startedAt: timestampFromMs(at) }
    const { finished } = this.#result
    if (finished) return { job: this.ref, phase: JobPhase.FINISHED, ...(withResult && { finished }), ...startedAt }
    // One that an agent before this one has begun waits for its secrets to go on.
    const isAccepted = this.phase === 'accepted' && at === undefined
    return { job: this.ref, phase: isAccepted ? JobPhase.ACCEPTED : JobPhase.RUNNING, ...startedAt }
  }

  /** After a restart of the agent: finds out from the folder where the job stands. */
  restore(): void {
    const progress = this.#course.restore()
    const standing = standingOf(this.#folder, this.#course.intent, progress)
    if (standing.is === 'accepted') return
    if (standing.is === 'over') {
      void this.#end(standing.ending, false)
      return
    }
    this.#openSpool()
    if (standing.is === 'finished') {
      this.#finish(standing.result)
      return
    }
    this.phase = 'running'
    this.#course.attach(this.#host, standing.is !== 'running')
    if (standing.is !== 'running') void this.#end(standing.ending, true)
  }

  /** It is in the journal. Repeated calls say it again while nobody has told it to start. */
  accept(): void {
    if (this.phase !== 'accepted') return
    this.#result.tellAccepted()
    setImmediate(() => this.#prepare())
  }

  /** Uses the time until the start. What fails here fails there again, and is said there. */
  #prepare(): void {
    if (this.phase !== 'accepted' || this.#workspace !== undefined) return
    try {
      this.#openFolders()
    } catch (error) {
      this.#host.log.warn('A job cannot be prepared yet.', { job: this.ref.jobId, error: this.#masked(error) })
    }
  }

  #openFolders(): string {
    this.#openSpool()
    if (this.#workspace === undefined) {
      this.#folder.prepare()
      this.#workspace = this.#host.workspaces.open({ jobId: this.ref.jobId, spec: this.spec })
    }
    return this.#workspace
  }

  /** What is not answered for so long is said again. */
  repeat(afterMs: number): void {
    this.#result.repeat(afterMs, this.phase === 'accepted')
  }

  /** Its offer is its start: that it was accepted is told only where nothing more is to tell soon. */
  startAtOnce(secrets: readonly SecretValue[]): void {
    this.#launch(secrets)
    this.#result.tellTaken()
  }

  /** It is the agent's. To a job that runs already, it brings the secrets back after a restart of the agent. */
  start(secrets: readonly SecretValue[]): void {
    if (this.phase === 'accepted') this.#launch(secrets)
    else if (this.spool && !this.spool.hasMasks) {
      this.#useSecrets(secrets)
      this.#course.look()
    }
  }

  #useSecrets(secrets: readonly SecretValue[]): void {
    this.#secrets = secrets
    this.spool!.useSecrets(secrets.map((secret) => secret.value))
  }

  cancel(why: Pick<Intent, 'agentStops'> = {}): void {
    const intent: Intent = { kind: 'canceled', graceMs: this.#course.graceMs, ...why }
    if (this.phase === 'running') this.#course.kill(intent)
    else if (this.phase === 'accepted') {
      this.#result.keepIntent(intent)
      void this.#end(endingOf(undefined, intent, 0), false)
    }
  }

  /** The controller is out of reach and may give the job to another agent. */
  fence(graceMs: number): void {
    if (this.phase === 'running' && this.spec.selfFence) this.#course.kill({ kind: 'fenced', graceMs })
  }

  /**
   * The controller has given it up: ends what runs and leaves nothing. Also when asked again it resolves after that: a newer
   * offer of the job uses the same folder.
   */
  abandon(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  async #leave(): Promise<void> {
    this.phase = 'gone'
    await this.#course.leave(this.#course.graceMs)
    await this.#cleanUp()
    await this.#closeWorkspace()
    await this.#remove()
  }

  finishedAck(logComplete: boolean): void {
    // It has ended without having begun: nobody is going to start it.
    if (this.phase === 'accepted') return void this.abandon()
    this.#result.acknowledge()
    if (logComplete) this.#result.logComplete = true
    else this.#host.logGrew(this)
    this.#removeWhenDone()
  }

  get shipsEmptyLog(): boolean {
    return this.#result.isAcknowledged && !this.#result.logComplete
  }

  logComplete(): void {
    this.#result.logComplete = true
    this.#removeWhenDone()
  }

  logStale(): void {
    void this.abandon()
  }

  /** Now and then. What fails here ends this job only. */
  tick(): void {
    if (this.phase !== 'running') return
    try {
      this.#course.tick()
    } catch (error) {
      void this.#giveUp(`its folder cannot be used: ${textOf(error)}`)
    }
  }

  #launch(secrets: readonly SecretValue[]): void {
    if (this.spec.selfFence && !this.#host.armFence()) {
      void this.#end(endingOf(undefined, { kind: 'fenced', graceMs: 0 }, 0), false)
      return
    }
    try {
      this.#openFolders()
      this.#useSecrets(secrets)
      if (this.spool!.hasTooMany) throw new Error(TOO_MANY_SECRETS)
      this.phase = 'running'
      void this.#course.begin()
    } catch (error) {
      void this.#end(failureOf(error), false)
    }
  }

  #context(): StepContext {
    const say = (line: string) => {
      sayIfKept(this.spool, line)
      this.#host.logGrew(this)
    }
    return { folder: this.#folder, workspace: this.#openFolders(), secrets: this.#secrets, host: this.#host, say }
  }

  #secretsKnown(): Promise<void> {
    const isWanted = () => this.phase === 'ending' || (this.phase === 'running' && !this.#course.intent)
    return secretsKnown(this.spool!, isWanted, this.#host.isConnected, () => this.#result.isAcknowledged)
  }

  async #giveUp(reason: string): Promise<void> {
    this.#host.log.error('A job cannot be kept.', { job: this.ref.jobId, reason: this.#masked(reason) })
    this.phase = 'ending'
    await this.#course.leave(0)
    await this.#close(lost(reason))
  }

  async #end(ending: Ending, hasBegun: boolean): Promise<void> {
    this.phase = 'ending'
    let told = ending
    try {
      if (hasBegun) {
        await this.#secretsKnown()
        await this.spool!.finish()
        this.#reports = await this.#readReports(ending)
      } else {
        this.#folder.claim()
        this.#openSpool()
        if (ending.reason) this.spool!.say(ending.reason)
      }
    } catch (error) {
      if (hasBegun) told = lost(`its log cannot be kept: ${textOf(error)}`)
      this.#host.log.error('The log of a job cannot be written.', { job: this.ref.jobId, error: this.#masked(error) })
    }
    await this.#close(told)
  }

  /** Of a killed agent that had not kept its result they are read again, from the same workspace. */
  async #readReports({ outcome }: Ending): Promise<ReadReports | undefined> {
    const { reports } = this.spec
    const spool = this.spool!
    if (!reports || outcome === Outcome.CANCELED || outcome === Outcome.LOST) return undefined
    if (!spool.knowsSecrets) return unreadReports
    return await readReports({
      workspace: this.#host.workspaces.open({ jobId: this.ref.jobId, spec: this.spec }),
      reports,
      masked: (text) => spool.masked(text),
      isWanted: () => this.phase === 'ending',
    })
  }

  /** For the agent's own messages, which people read who may not know the secrets. */
  #masked(error: unknown): string {
    return this.spool?.masked(textOf(error)) ?? textOf(error)
  }

  async #close(ending: Ending): Promise<void> {
    if (this.phase !== 'ending') return
    await this.#cleanUp(ending)
    // It may have been given up meanwhile.
    if (this.phase !== 'ending') return
    const finished = finishedMessage(this.#folder, ending, this.#course.startedAt, this.spool, this.#reports)
    this.#finish(finished)
    this.#result.tellFinished(finished)
    await this.#closeWorkspace()
    // Both may have been answered to an agent before this one.
    this.#removeWhenDone()
  }

  async #cleanUp(ending?: Ending): Promise<void> {
    try {
      await this.#course.cleanUp(ending)
    } catch (error) {
      this.#host.log.warn('A job cannot be cleaned up.', { job: this.ref.jobId, error: this.#masked(error) })
      sayIfKept(this.spool, `It could not be cleaned up: ${textOf(error)}`)
    }
  }

  async #closeWorkspace(): Promise<void> {
    const { log, workspaces } = this.#host
    await workspaces
      .close({ jobId: this.ref.jobId, spec: this.spec })
      .catch((error) => log.warn('A workspace cannot be removed.', { job: this.ref.jobId, error: this.#masked(error) }))
  }

  #finish(finished: Finished): void {
    this.#result.finished = finished
    this.phase = 'finished'
    this.#host.logGrew(this)
    // Of a log that was begun before a restart the sum is not known yet.
    if (this.spool && !this.spool.isWhole) void this.spool.sumUp().then(() => this.#host.logGrew(this))
  }

  #openSpool(): void {
    this.spool ??= openLog(this.#folder, this.#host)
  }

  #removeWhenDone(): void {
    if (!this.#result.isDone || this.phase !== 'finished') return
    this.phase = 'gone'
    this.#leaving = delay(REMOVE_AFTER_MS).then(() => this.#remove())
  }

  async #remove(): Promise<void> {
    this.#course.release()
    this.spool?.close()
    this.spool = undefined
    await this.#folder.remove().catch((error) => {
      this.#host.log.warn('A journal folder cannot be removed.', { job: this.ref.jobId, error: this.#masked(error) })
    })
    this.#host.gone(this)
  }
}
