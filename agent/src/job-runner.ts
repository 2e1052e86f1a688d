// Owns one job's life on this host, from its place in the journal to its removal: accepted → running → ending → finished.
import { type FSWatcher, statSync, watch } from 'node:fs'
import { setTimeout as delay, setImmediate as yieldToOthers } from 'node:timers/promises'
import {
  type Finished,
  FinishedSchema,
  JobPhase,
  type JobRef,
  type JobSnapshotSchema,
  type JobSpec,
  type SecretValue,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { Config } from './config.ts'
import { markerEntry, stepEnvironment } from './environment.ts'
import type { Intent, JobFolder } from './journal.ts'
import { type Log, textOf } from './log.ts'
import { LogSpool } from './log-spool.ts'
import { duration, type Ending, endingOf, impossible, lost } from './outcome.ts'
import { readOutputs } from './outputs.ts'
import { isSettable, type Launcher, startFile } from './process.ts'
import { hostUptime, isAlive } from './process-table.ts'
import { killTree, type Tree } from './process-tree.ts'
import type { ControlMessage } from './rpc-client.ts'
import { canRun, prepareStep } from './steps/index.ts'
import type { Workspaces } from './workspace.ts'

/** A started job whose wrapper does not note itself within this time never will. */
const LAUNCH_MS = 20_000
/** How long a re-attached job waits for its secrets after the controller is back. */
const SECRETS_MS = 60_000
const DEFAULT_GRACE_MS = 10_000
const MAX_TIMER_MS = 0x7fffffff

/** What a job needs of the agent. */
export interface JobHost {
  config: Config
  log: Log
  launcher: Launcher
  workspaces: Workspaces
  sweep(tree: Tree): void
  /** To the controller, when there is a session; the hello of the next one repeats what matters. */
  send(message: ControlMessage): void
  /** There is something to ship. */
  logGrew(job: JobRunner): void
  /** Its process has ended; the slot is free. */
  ended(job: JobRunner): void
  /** Nothing is left of it. */
  gone(job: JobRunner): void
  lastContact(): number
}

type Phase = 'accepted' | 'running' | 'ending' | 'finished' | 'gone'

export class JobRunner {
  readonly folder: JobFolder
  readonly ref: JobRef
  readonly spec: JobSpec
  phase: Phase = 'accepted'
  spool: LogSpool | undefined
  finished: Finished | undefined
  readonly #host: JobHost
  readonly #tree: Tree
  #secrets: readonly SecretValue[] = []
  #outputs: string[] = []
  #startedAt: number | undefined
  #launchedAt = 0
  #watcher: FSWatcher | undefined
  #timeout: NodeJS.Timeout | undefined
  #intent: Intent | undefined
  #killing: Promise<number> | undefined
  readonly #hurry = new AbortController()
  #pumping = false
  #secretsDue: number | undefined
  #acknowledged = false
  #logComplete = false

  constructor(folder: JobFolder, host: JobHost) {
    this.folder = folder
    this.ref = folder.ref
    this.spec = folder.spec
    this.#host = host
    this.#tree = { marker: markerEntry(folder.ref), leader: undefined }
  }

  get usesSlot(): boolean {
    return this.phase !== 'finished' && this.phase !== 'gone'
  }

  snapshot(): MessageInitShape<typeof JobSnapshotSchema> {
    const startedAt = this.#startedAt === undefined ? {} : { startedAt: timestampFromMs(this.#startedAt) }
    if (this.finished) return { job: this.ref, phase: JobPhase.FINISHED, finished: this.finished, ...startedAt }
    const phase = this.phase === 'accepted' ? JobPhase.ACCEPTED : JobPhase.RUNNING
    return { job: this.ref, phase, ...startedAt }
  }

  /** After a restart of the agent: finds out from the folder where the job stands. */
  async restore(): Promise<void> {
    const { folder } = this
    this.#intent = folder.intent
    const result = folder.result
    if (result) {
      this.#openSpool()
      this.#becomeFinished(result)
      return
    }
    if (!folder.claimed) {
      // Accepted, never started. After a restart of the host it is not certain that it was not: "started" is not synced.
      if (!folder.sameBoot) await this.#endWithoutProcess(lost('the host was restarted'))
      else if (this.#intent) await this.#endWithoutProcess(endingOf(undefined, this.#intent, this.spec.timeoutMs))
      return
    }
    this.phase = 'running'
    this.#launchedAt = performance.now()
    this.#openSpool()
    if (folder.launch?.secrets === false) this.spool!.useSecrets([])
    if (!folder.sameBoot) return this.#end(lost('the host was restarted'))
    this.#follow()
    this.look()
    if (this.#intent) this.#kill(this.#intent)
  }

  /** The accept is committed. Of a job that runs already, it brings the secrets back after a restart of the agent. */
  start(secrets: readonly SecretValue[]): void {
    if (this.phase === 'running' || this.phase === 'ending') {
      if (this.spool?.hasMasks) return
      this.#secrets = secrets
      this.spool?.useSecrets(secrets.map((secret) => secret.value))
      this.look()
    } else if (this.phase === 'accepted') this.#launch(secrets)
  }

  cancel(graceMs: number): void {
    const grace = graceMs || this.spec.cancelGraceMs || DEFAULT_GRACE_MS
    if (this.phase === 'accepted') {
      this.#intent = { kind: 'canceled', graceMs: grace }
      this.folder.intent = this.#intent
      this.folder.claim()
      void this.#endWithoutProcess(endingOf(undefined, this.#intent, 0))
    } else if (this.phase === 'running') this.#kill({ kind: 'canceled', graceMs: grace })
  }

  /** The controller is out of reach and may give the job to another agent. */
  fence(graceMs: number): void {
    if (this.phase === 'running' && this.spec.selfFence) this.#kill({ kind: 'fenced', graceMs })
  }

  finishedAck(): void {
    this.#acknowledged = true
    this.#removeWhenDone()
  }

  logComplete(): void {
    this.#logComplete = true
    this.#removeWhenDone()
  }

  /** The controller has given it up: end what runs and leave nothing. */
  async abandon(): Promise<void> {
    if (this.phase === 'gone') return
    const running = this.phase === 'running' || this.phase === 'ending'
    this.phase = 'gone'
    this.#stopFollowing()
    // If the wrapper has not begun yet, it never will.
    if (!this.folder.claim() && running) {
      this.#hurry.abort()
      await killTree(this.#tree, this.spec.cancelGraceMs || DEFAULT_GRACE_MS, new AbortController().signal)
    }
    await this.#remove()
  }

  /** Looks at the folder: whether the process has noted itself, what it has written, whether it has ended. */
  look(): void {
    if (this.phase !== 'running') return
    if (this.#tree.leader === undefined) this.#noteStart()
    void this.#pump()
  }

  /** Now and then, and for file systems that send no events. */
  tick(): void {
    if (this.phase !== 'running') return
    this.look()
    const leader = this.#tree.leader
    if (leader === undefined) {
      if (performance.now() - this.#launchedAt > LAUNCH_MS) void this.#vanished('its process could not be started')
    } else if (!isAlive(leader, this.folder.readPid()?.startTime ?? '')) void this.#vanished()
  }

  #launch(secrets: readonly SecretValue[]): void {
    const { folder, spec } = this
    const { config, workspaces } = this.#host
    this.#secrets = secrets
    let phase: 'agent' | 'step' = 'agent'
    try {
      folder.prepare()
      const workspace = workspaces.open(spec.runId, spec.workspace, this.ref.jobId)
      const places = { workspace, output: folder.file('output'), tmp: folder.file('tmp') }
      const env = stepEnvironment(config.base, spec, this.ref, secrets, places)
      this.#openSpool()
      this.spool!.useSecrets(secrets.map((secret) => secret.value))
      phase = 'step'
      if (!canRun(spec)) throw new Error('This agent is too old for this kind of step.')
      const command = prepareStep(spec, { folder, workspace, secrets, env })
      phase = 'agent'
      this.#outputs = command.outputs ?? []
      for (const name of env.keys())
        if (!isSettable(name))
          this.spool!.say(`${JSON.stringify(name)} cannot be an environment variable here; it was left out.`)
      folder.launch = { at: new Date().toISOString(), secrets: secrets.length > 0 }
      folder.write('start', startFile(env, command.workingDirectory, command.argv))
      this.phase = 'running'
      this.#launchedAt = performance.now()
      this.#follow()
      this.#host.launcher.start(this.ref.jobId)
    } catch (error) {
      folder.claim()
      void this.#endWithoutProcess(
        phase === 'step' ? impossible(textOf(error)) : lost(`it could not be started: ${textOf(error)}`),
      )
    }
  }

  #noteStart(): void {
    const noted = this.folder.readPid()
    if (!noted) return
    this.#tree.leader = noted.pid
    // The wrapper has read it; what was secret in it is now only in the process.
    this.folder.write('start', '')
    this.#startedAt = Math.floor(statSync(this.folder.file('run', 'pid')).mtimeMs)
    this.#host.send({ kind: { case: 'started', value: { job: this.ref, at: timestampFromMs(this.#startedAt) } } })
    this.#armTimeout(noted.startTime)
  }

  /** By the time since the host's start, so that a changed clock or a restarted agent moves nothing. */
  #armTimeout(startTime: string): void {
    const limit = this.spec.timeoutMs
    if (limit === 0) return
    const ticks = Number(startTime)
    const elapsed = ticks > 0 ? (hostUptime() - ticks / 100) * 1000 : Date.now() - this.#startedAt!
    const left = Math.max(0, limit - Math.max(0, elapsed))
    this.#timeout = setTimeout(
      () => {
        if (this.phase === 'running')
          this.#kill({ kind: 'timedOut', graceMs: this.spec.cancelGraceMs || DEFAULT_GRACE_MS })
      },
      Math.min(left, MAX_TIMER_MS),
    )
  }

  #kill(intent: Intent): void {
    if (this.#killing) return
    if (!this.#intent) {
      this.#intent = intent
      this.folder.intent = intent
      const what = {
        canceled: 'Canceled',
        timedOut: `Timed out after ${duration(this.spec.timeoutMs)}`,
        fenced: 'The controller is out of reach',
      }
      this.spool?.say(`${what[intent.kind]}: ending the step (TERM, after ${duration(intent.graceMs)} KILL).`)
      this.#host.logGrew(this)
    }
    this.#killing = this.#killWhenNoted(intent.graceMs)
    void this.#killing.then((left) => {
      if (left > 0) this.spool?.say(`${left} processes did not end even of KILL.`)
      if (this.phase === 'running') void this.#vanished()
    })
  }

  /** A wrapper that has just begun cannot be found yet: it is waited for, unless it can still be kept from beginning. */
  async #killWhenNoted(graceMs: number): Promise<number> {
    while (this.#tree.leader === undefined && !this.folder.claim()) {
      this.#noteStart()
      if (performance.now() - this.#launchedAt > LAUNCH_MS) break
      if (this.#tree.leader === undefined) await delay(10)
    }
    return killTree(this.#tree, graceMs, this.#hurry.signal)
  }

  async #vanished(reason?: string): Promise<void> {
    await this.#pump()
    if (this.phase !== 'running') return
    this.folder.claim()
    const code = this.folder.readExit() ?? (this.#intent && this.#tree.leader !== undefined ? 137 : undefined)
    await this.#end(reason && code === undefined ? lost(reason) : endingOf(code, this.#intent, this.spec.timeoutMs))
  }

  async #pump(): Promise<void> {
    if (this.#pumping || !this.spool) return
    this.#pumping = true
    try {
      let exit: number | undefined
      for (let more = true; more && this.phase === 'running'; ) {
        // Read before the output: what was written before the end is then in the output.
        exit = this.folder.readExit()
        more = this.spool.pump()
        this.#host.logGrew(this)
        if (more) await yieldToOthers()
      }
      if (exit !== undefined && this.phase === 'running') {
        this.#noteStart()
        await this.#end(undefined, exit)
      }
    } catch (error) {
      if (this.phase === 'running') this.#giveUp(error)
    } finally {
      this.#pumping = false
    }
  }

  /** The log cannot be kept (disk full): a step that goes on unseen would be worse than one that is ended. */
  #giveUp(error: unknown): void {
    this.#host.log.error('A job cannot be kept.', { job: this.ref.jobId, error: textOf(error) })
    this.phase = 'ending'
    void killTree(this.#tree, 0, this.#hurry.signal).then(() =>
      this.#close(lost(`its output cannot be kept: ${textOf(error)}`)),
    )
  }

  async #end(known: Ending | undefined, exitCode?: number): Promise<void> {
    this.phase = 'ending'
    this.#stopFollowing()
    try {
      const spool = this.spool!
      if (this.#killing) await this.#killing
      else this.#host.sweep(this.#tree)
      await this.#secretsKnown()
      while (spool.pump()) await yieldToOthers()
      spool.finish()
      await this.#close(known ?? endingOf(exitCode, this.#intent, this.spec.timeoutMs))
    } catch (error) {
      this.#host.log.error('A job cannot be ended cleanly.', { job: this.ref.jobId, error: textOf(error) })
      await this.#close(lost(`its log cannot be kept: ${textOf(error)}`))
    }
  }

  /** After a restart the secrets are unknown until the controller sends them again; it may be away for long. */
  async #secretsKnown(): Promise<void> {
    const spool = this.spool!
    while (!spool.hasMasks) {
      const contact = this.#host.lastContact()
      if (contact > 0) this.#secretsDue ??= performance.now() + SECRETS_MS
      if (this.#secretsDue !== undefined && performance.now() > this.#secretsDue) return spool.finishWithoutSecrets()
      await delay(50)
    }
  }

  async #endWithoutProcess(ending: Ending): Promise<void> {
    this.phase = 'ending'
    try {
      this.folder.claim()
      this.#openSpool()
      this.spool!.useSecrets([])
      if (ending.reason) this.spool!.say(`${ending.reason}`)
    } catch (error) {
      this.#host.log.error('The log of a job cannot be written.', { job: this.ref.jobId, error: textOf(error) })
    }
    await this.#close(ending)
  }

  async #close(ending: Ending): Promise<void> {
    const { spool } = this
    const outputs: Record<string, string> = {}
    const finishedAt = Date.now()
    try {
      if (ending.exitCode !== undefined && spool) {
        const found = readOutputs(this.folder.file('output'), [...this.spec.outputs, ...this.#outputs], (value) =>
          spool.conceals(value),
        )
        for (const [name, value] of found.outputs) outputs[name] = value
        for (const problem of found.problems) spool.say(`${problem}`)
      }
      spool?.seal()
    } catch (error) {
      this.#host.log.error('A log cannot be closed.', { job: this.ref.jobId, error: textOf(error) })
    }
    const result = create(FinishedSchema, {
      job: this.ref,
      ...ending,
      outputs,
      finishedAt: timestampFromMs(finishedAt),
      logSize: BigInt(spool?.size ?? 0),
      ...(this.#startedAt === undefined ? {} : { startedAt: timestampFromMs(this.#startedAt) }),
    })
    try {
      this.folder.result = result
    } catch (error) {
      this.#host.log.error('A result cannot be written to the journal.', { job: this.ref.jobId, error: textOf(error) })
    }
    await this.#host.workspaces.close(this.spec.runId, this.spec.workspace, this.ref.jobId).catch((error) => {
      this.#host.log.warn('A workspace cannot be removed.', { job: this.ref.jobId, error: textOf(error) })
    })
    this.#becomeFinished(result)
    this.#host.send({ kind: { case: 'finished', value: result } })
  }

  #becomeFinished(result: Finished): void {
    if (this.phase === 'gone') return
    this.finished = result
    this.phase = 'finished'
    this.#secrets = []
    this.#host.ended(this)
    this.#host.logGrew(this)
  }

  #openSpool(): void {
    if (this.spool) return
    const { folder } = this
    const limit = Number(this.spec.logLimit) || this.#host.config.logLimit
    const files = {
      raw: folder.file('run', 'raw'),
      masked: folder.file('log'),
      state: folder.file('log.state'),
      added: folder.file('masks'),
    }
    this.spool = new LogSpool(files, limit, (bytes) => this.#host.launcher.punch(this.ref.jobId, bytes))
  }

  #follow(): void {
    this.#watcher = watch(this.folder.file('run'), { persistent: false }, () => this.look())
    this.#watcher.on('error', () => this.#watcher?.close())
  }

  #stopFollowing(): void {
    this.#watcher?.close()
    clearTimeout(this.#timeout)
  }

  #removeWhenDone(): void {
    if (!this.#acknowledged || !this.#logComplete || this.phase !== 'finished') return
    this.phase = 'gone'
    void this.#remove()
  }

  async #remove(): Promise<void> {
    this.spool?.close()
    this.spool = undefined
    await this.folder.remove().catch((error) => {
      this.#host.log.warn('A journal folder cannot be removed.', { job: this.ref.jobId, error: textOf(error) })
    })
    this.#host.gone(this)
  }
}
