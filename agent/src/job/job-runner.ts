// Owns one job's life on this host, from its place in the journal to its removal: accepted → running → ending → finished.
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Finished,
  JobPhase,
  type JobRef,
  type JobSnapshotSchema,
  type JobSpec,
  type SecretValue,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ControlMessage } from '../link/rpc-client.ts'
import { openLog, sayIfKept, secretsKnown } from '../log/job-log.ts'
import type { ShippedJob } from '../log/log-shipper.ts'
import type { LogSpool } from '../log/log-spool.ts'
import { type Log, textOf } from '../log.ts'
import type { Launcher } from '../process/process.ts'
import type { Tree } from '../process/process-tree.ts'
import { finishedMessage } from './finished-message.ts'
import { JobProcess } from './job-process.ts'
import { JobResult } from './job-result.ts'
import { standingOf } from './job-standing.ts'
import type { Intent, JobFolder } from './journal.ts'
import { duration, type Ending, endingOf, lost } from './outcome.ts'
import { type LaunchHost, prepareFolders, prepareLaunch, tooManySecrets, Unrunnable } from './prepare-launch.ts'

const DEFAULT_GRACE_MS = 10_000
const MAX_TIMER_MS = 0x7fffffff
/** The next step's start comes first. */
const REMOVE_AFTER_MS = 20

/** What a job needs of the agent. */
export interface JobHost extends LaunchHost {
  log: Log
  launcher: Launcher
  /** Ends what the job has left running. */
  sweep(tree: Tree): void
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
  readonly #process: JobProcess
  readonly #result: JobResult
  #timeout: NodeJS.Timeout | undefined
  #intent: Intent | undefined
  /** Once it is prepared. */
  #workspace: string | undefined
  #killing: Promise<number> | undefined
  #pumping = false
  /** Something happened while it was pumping. */
  #lookAgain = false
  /** It is going away; settled when its folder is gone. */
  #leaving: Promise<void> | undefined

  constructor(folder: JobFolder, host: JobHost) {
    this.ref = folder.ref
    this.spec = folder.spec
    this.#folder = folder
    this.#host = host
    this.#process = new JobProcess(folder)
    this.#result = new JobResult(folder, host)
  }

  get usesSlot(): boolean {
    return this.phase !== 'finished' && this.phase !== 'gone'
  }

  /** `withResult` false: a result follows in a message of its own. */
  snapshot(withResult = true): MessageInitShape<typeof JobSnapshotSchema> {
    const at = this.#process.startedAt
    const startedAt = at === undefined ? {} : { startedAt: timestampFromMs(at) }
    const { finished } = this.#result
    if (finished) return { job: this.ref, phase: JobPhase.FINISHED, ...(withResult && { finished }), ...startedAt }
    return { job: this.ref, phase: this.phase === 'accepted' ? JobPhase.ACCEPTED : JobPhase.RUNNING, ...startedAt }
  }

  /** After a restart of the agent: finds out from the folder where the job stands. */
  restore(): void {
    this.#intent = this.#folder.intent
    const standing = standingOf(this.#folder, this.#intent)
    if (standing.is === 'accepted') return
    if (standing.is === 'over') {
      this.#endWithoutProcess(standing.ending)
      return
    }
    this.#openSpool()
    if (standing.is === 'finished') {
      this.#finish(standing.result)
      return
    }
    this.phase = 'running'
    if (standing.is === 'lost') {
      this.#process.noteStart()
      void this.#end(standing.ending)
      return
    }
    this.#process.follow(() => this.#look())
    this.#look()
    if (this.#intent) this.#kill(this.#intent)
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
      this.#openSpool()
      this.#workspace = prepareFolders(this.#folder, this.#host)
    } catch (error) {
      this.#host.log.warn('A job cannot be prepared yet.', { job: this.ref.jobId, error: this.#masked(error) })
    }
  }

  /** What is not answered for so long is said again. */
  repeat(afterMs: number): void {
    this.#result.repeat(afterMs, this.phase === 'accepted')
  }

  /** The accept is committed. To a job that runs already, it brings the secrets back after a restart of the agent. */
  start(secrets: readonly SecretValue[]): void {
    if (this.phase === 'accepted') this.#launch(secrets)
    else if (this.spool && !this.spool.hasMasks) {
      this.spool.useSecrets(secrets.map((secret) => secret.value))
      this.#look()
    }
  }

  cancel(graceMs: number, why: Pick<Intent, 'agentStops'> = {}): void {
    const intent: Intent = { kind: 'canceled', graceMs: graceMs || this.#grace, ...why }
    if (this.phase === 'running') this.#kill(intent)
    else if (this.phase === 'accepted') {
      this.#result.keepIntent(intent)
      this.#endWithoutProcess(endingOf(undefined, intent, 0))
    }
  }

  /** The controller is out of reach and may give the job to another agent. */
  fence(graceMs: number): void {
    if (this.phase === 'running' && this.spec.selfFence) this.#kill({ kind: 'fenced', graceMs })
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
    const hadProcess = this.phase === 'running' || this.phase === 'ending'
    this.phase = 'gone'
    this.#stopWatching()
    this.#process.hurry()
    // If the wrapper has not begun yet, this keeps it from beginning.
    if (hadProcess) await this.#process.kill(this.#grace, () => {})
    else this.#folder.claim()
    await this.#host.workspaces.close(this.spec.runId, this.spec.workspace, this.ref.jobId).catch(() => {})
    await this.#remove()
  }

  finishedAck(): void {
    this.#result.acknowledge()
    this.#removeWhenDone()
  }

  logComplete(): void {
    this.#result.logComplete = true
    this.#removeWhenDone()
  }

  logStale(): void {
    void this.abandon()
  }

  /** Now and then: for silent file systems, and processes that others have ended. What fails here ends this job only. */
  tick(): void {
    if (this.phase !== 'running') return
    try {
      this.#look()
      const reason = this.#process.vanished()
      if (reason) void this.#vanished(reason)
      else if (!this.#intent) this.#process.remind(this.#host.launcher)
    } catch (error) {
      void this.#giveUp(`its folder cannot be used: ${textOf(error)}`)
    }
  }

  get #grace(): number {
    return this.spec.cancelGraceMs || DEFAULT_GRACE_MS
  }

  #launch(secrets: readonly SecretValue[]): void {
    if (this.spec.selfFence && !this.#host.armFence()) {
      this.#endWithoutProcess(endingOf(undefined, { kind: 'fenced', graceMs: 0 }, 0))
      return
    }
    try {
      this.#openSpool()
      this.spool!.useSecrets(secrets.map((secret) => secret.value))
      if (this.spool!.hasTooMany) throw tooManySecrets()
      this.#workspace ??= prepareFolders(this.#folder, this.#host)
      const problems = prepareLaunch(this.#folder, this.#workspace, secrets, this.#host)
      for (const problem of problems) this.spool!.say(problem)
      this.phase = 'running'
      this.#process.launch(this.#host.launcher, () => this.#look())
    } catch (error) {
      const reason = textOf(error)
      this.#endWithoutProcess(error instanceof Unrunnable ? error.ending : lost(`it could not be started: ${reason}`))
    }
  }

  /** Whether the process has noted itself, what it has written, whether it has ended. */
  #look(): void {
    if (this.phase !== 'running') return
    this.#noteStart()
    void this.#pump()
  }

  #noteStart(): void {
    if (this.#process.noteStart()) this.#onStart()
  }

  #onStart(): void {
    const at = timestampFromMs(this.#process.startedAt!)
    this.#host.send({ kind: { case: 'started', value: { job: this.ref, at } } })
    if (this.spec.timeoutMs === 0) return
    const left = Math.min(Math.max(0, this.spec.timeoutMs - this.#process.elapsedMs()), MAX_TIMER_MS)
    this.#timeout = setTimeout(() => {
      if (this.phase === 'running') this.#kill({ kind: 'timedOut', graceMs: this.#grace })
    }, left)
  }

  #kill(intent: Intent): void {
    if (this.#killing) return
    if (!this.#intent) {
      this.#intent = intent
      this.#result.keepIntent(intent)
      const timedOut = `Timed out after ${duration(this.spec.timeoutMs)}`
      const what = { canceled: 'Canceled', timedOut, fenced: 'The controller is out of reach' }[intent.kind]
      sayIfKept(this.spool, `${what}: ending the step (TERM, after ${duration(intent.graceMs)} KILL).`)
      this.#host.logGrew(this)
    }
    this.#killing = this.#process.kill(intent.graceMs, () => this.#onStart())
    void this.#killing.then((left) => {
      if (left > 0) sayIfKept(this.spool, `${left} processes did not end even of KILL.`)
      if (this.phase === 'running') void this.#vanished('its process was ended')
    })
  }

  async #vanished(reason: string): Promise<void> {
    await this.#pump()
    if (this.phase !== 'running') return
    await this.#end(this.#endingOf(this.#process.exitCode(), reason))
  }

  #endingOf(noted: number | undefined, vanished?: string): Ending {
    // It may have been ended by the fence, while this agent was frozen or away.
    if (this.spec.selfFence) this.#intent ??= this.#folder.intent
    if (!this.#intent && noted === undefined && vanished) return lost(vanished)
    if (!this.#intent && this.#process.isUnkept)
      return lost('its log cannot be kept: no space was left for it, or its disk failed')
    const wasKilled = this.#intent && this.#process.tree.leader !== undefined
    return endingOf(noted ?? (wasKilled ? 137 : undefined), this.#intent, this.spec.timeoutMs)
  }

  async #pump(): Promise<void> {
    this.#lookAgain = true
    if (this.#pumping || !this.spool) return
    this.#pumping = true
    try {
      let exit: number | undefined
      for (let more = true; more && this.phase === 'running'; ) {
        // Read before the output: what was written before the end is then in the output.
        exit = this.#process.exitCode()
        this.#lookAgain = false
        more = (await this.spool.pump()) || (exit === undefined && this.#lookAgain)
        // The last bytes go together with the message that they are the last.
        if (more || exit === undefined) this.#host.logGrew(this)
      }
      if (exit === undefined || this.phase !== 'running') return
      this.#noteStart()
      await this.#end(this.#endingOf(exit))
    } catch (error) {
      // A step whose log cannot be kept (disk full) would go on unseen; it is ended.
      if (this.phase === 'running') await this.#giveUp(`its log cannot be kept: ${textOf(error)}`)
    } finally {
      this.#pumping = false
    }
  }

  async #giveUp(reason: string): Promise<void> {
    this.#host.log.error('A job cannot be kept.', { job: this.ref.jobId, reason: this.#masked(reason) })
    this.phase = 'ending'
    this.#stopWatching()
    await this.#process.kill(0, () => {})
    await this.#close(lost(reason))
  }

  async #end(ending: Ending): Promise<void> {
    this.phase = 'ending'
    this.#stopWatching()
    if (this.#killing) await this.#killing
    else this.#host.sweep(this.#process.tree)
    try {
      const spool = this.spool!
      await secretsKnown(spool, () => this.phase === 'ending', this.#host.isConnected)
      await spool.finish()
      await this.#close(ending)
    } catch (error) {
      if (this.phase === 'ending') await this.#close(lost(`its log cannot be kept: ${textOf(error)}`))
    }
  }

  #endWithoutProcess(ending: Ending): void {
    this.phase = 'ending'
    try {
      this.#folder.claim()
      this.#openSpool()
      if (ending.reason) this.spool!.say(ending.reason)
    } catch (error) {
      this.#host.log.error('The log of a job cannot be written.', { job: this.ref.jobId, error: this.#masked(error) })
    }
    void this.#close(ending)
  }

  /** For the agent's own messages, which people read who may not know the secrets. */
  #masked(error: unknown): string {
    return this.spool?.masked(textOf(error)) ?? textOf(error)
  }

  async #close(ending: Ending): Promise<void> {
    if (this.phase !== 'ending') return
    const { log, workspaces } = this.#host
    const finished = finishedMessage(this.#folder, ending, this.#process.startedAt, this.spool)
    this.#finish(finished)
    this.#result.tellFinished(finished)
    await workspaces
      .close(this.spec.runId, this.spec.workspace, this.ref.jobId)
      .catch((error) => log.warn('A workspace cannot be removed.', { job: this.ref.jobId, error: this.#masked(error) }))
  }

  #finish(finished: Finished): void {
    this.#result.finished = finished
    this.phase = 'finished'
    this.#host.logGrew(this)
    // Of a log that was begun before a restart the sum is not known yet.
    if (this.spool && !this.spool.isWhole) void this.spool.sumUp().then(() => this.#host.logGrew(this))
    this.#process.release(this.#host.launcher)
  }

  #openSpool(): void {
    this.spool ??= openLog(this.#folder, this.#host)
  }

  #stopWatching(): void {
    this.#process.unfollow()
    clearTimeout(this.#timeout)
  }

  #removeWhenDone(): void {
    if (!this.#result.isDone || this.phase !== 'finished') return
    this.phase = 'gone'
    this.#leaving = delay(REMOVE_AFTER_MS).then(() => this.#remove())
  }

  async #remove(): Promise<void> {
    this.#process.release(this.#host.launcher)
    this.spool?.close()
    this.spool = undefined
    await this.#folder.remove().catch((error) => {
      this.#host.log.warn('A journal folder cannot be removed.', { job: this.ref.jobId, error: this.#masked(error) })
    })
    this.#host.gone(this)
  }
}
