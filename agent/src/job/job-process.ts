// Owns a main that is a process of this host, as seen through its job's folder: started, followed, found again after a restart,
// ended with all its kin.
import { closeSync, existsSync, type FSWatcher, openSync, readSync, watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { hostUptime, isAlive } from '../process/process-table.ts'
import { killTree, type Tree } from '../process/process-tree.ts'
import type { Helper } from '../process/start-helper.ts'
import type { Main, MainEnd, StepContext, StepHost } from '../steps/step-kind.ts'
import { markerEntry } from './environment.ts'
import { type JobNotes, NOTES_BYTES, notesIn } from './job-notes.ts'
import type { JobFolder } from './journal.ts'
import { type CommandContext, prepareLaunch, type StepCommand } from './prepare-launch.ts'

/** A started job whose wrapper does not note itself within this time never will. */
const LAUNCH_MS = 20_000
const REMIND_MS = 3000
const noteBytes = Buffer.alloc(NOTES_BYTES)
const nothing: JobNotes = { startTime: '', isUnkept: false }

export class JobProcess implements Main {
  readonly #folder: JobFolder
  readonly #commandOf: (context: CommandContext) => StepCommand
  readonly #tree: Tree
  #host: StepHost | undefined
  #startedAt: number | undefined
  #startTime = ''
  #helper: Helper | undefined
  /** In seconds of the host's uptime; undefined: of an agent from before that was noted, whose wrapper began with the step. */
  #begunAt: number | undefined
  #launchedAt = 0
  #remindedAt = Number.POSITIVE_INFINITY
  #watcher: FSWatcher | undefined
  #notesFd: number | undefined
  #isKilled = false
  /** Processes that could not be ended. */
  #left = 0
  #isReleased = false

  #isNoted = false

  constructor(folder: JobFolder, commandOf: (context: CommandContext) => StepCommand) {
    this.#folder = folder
    this.#commandOf = commandOf
    const isNoted = () => this.#isNoted || this.#readNotes().exitCode !== undefined
    this.#tree = {
      marker: markerEntry(folder.ref),
      leader: undefined,
      session: undefined,
      get reader() {
        return folder.readerPid
      },
      since: 0,
      cgroup: undefined,
      get isNoted() {
        return isNoted()
      },
    }
  }

  async begin(context: StepContext, onChange: () => void): Promise<void> {
    prepareLaunch(context, this.#commandOf)
    this.attach(context.host, onChange)
    this.#remindedAt = this.#launchedAt
    this.#start()
  }

  attach(host: StepHost, onChange: () => void): void {
    this.#host = host
    this.#launchedAt = performance.now()
    if (this.#folder.lane) {
      this.#folder.lane.onChange = onChange
      return
    }
    // The agent's own files in it grow too.
    const onEvent = (_event: string, name: string | null) => (name === 'raw' || name === 'job') && onChange()
    this.#watcher = watch(this.#folder.path, { persistent: false }, onEvent)
    this.#watcher.on('error', () => this.#watcher?.close())
  }

  /** Again, when it has not begun: the helper may have died with the request in its hands; a second one never runs a job twice. */
  #start(): void {
    this.#helper ??= this.#folder.lane?.helper
    if (!this.#helper?.isAlive) {
      this.#helper = this.#host!.launcher.helperIn(this.#folder.path)
      if (this.#helper.cgroup !== undefined) this.#folder.cgroup = this.#helper.cgroup
    }
    this.#helper.run(this.#folder.ref.jobId)
  }

  unfollow(): void {
    this.#watcher?.close()
    if (this.#folder.lane) this.#folder.lane.onChange = undefined
    this.#closeNotes()
  }

  #closeNotes(): void {
    if (this.#notesFd !== undefined) closeSync(this.#notesFd)
    this.#notesFd = undefined
  }

  startedAt(): number | undefined {
    if (this.#startedAt !== undefined) return this.#startedAt
    const { pid, startTime, session } = this.#readNotes()
    if (pid === undefined) return undefined
    this.#tree.leader = pid
    this.#tree.session = session
    this.#tree.cgroup = this.#folder.cgroup
    this.#tree.since = Number(startTime) || 0
    this.#startTime = startTime
    // After a restart of the agent the note may be the second one, of the exit; the uptime still tells the start.
    this.#begunAt = this.#folder.begunAt ?? (this.#tree.since > 0 ? this.#tree.since / 100 : undefined)
    this.#startedAt = this.#begunAt !== undefined ? Math.floor(Date.now() - this.elapsedMs()) : this.#folder.notedAt()
    return this.#startedAt
  }

  elapsedMs(): number {
    const begun = this.#begunAt
    return Math.max(0, begun ? (hostUptime() - begun) * 1000 : Date.now() - (this.#startedAt ?? Date.now()))
  }

  ended(): MainEnd | undefined {
    const { exitCode, isUnkept } = this.#readNotes()
    if (exitCode === undefined) return this.#isKilled && this.#tree.leader !== undefined ? { exitCode: 137 } : undefined
    return {
      exitCode,
      ...(isUnkept && { lost: 'its log cannot be kept: no space was left for it, or its disk failed' }),
    }
  }

  /** Asked whenever there is output, so the file stays open. */
  #readNotes(): JobNotes {
    // Missing when the step has removed it.
    if (this.#notesFd === undefined && !existsSync(this.#folder.file('job'))) return nothing
    this.#notesFd ??= openSync(this.#folder.file('job'), 'r')
    const notes = notesIn(noteBytes.subarray(0, readSync(this.#notesFd, noteBytes, 0, NOTES_BYTES, 0)))
    this.#isNoted ||= notes.exitCode !== undefined
    return notes
  }

  vanished(): string | undefined {
    const { leader } = this.#tree
    if (leader !== undefined)
      return isAlive(leader, this.#startTime) ? undefined : 'its process ended without leaving an exit code'
    if (!existsSync(this.#folder.file('job'))) return 'its folder was removed'
    const now = performance.now()
    if (now - this.#launchedAt > LAUNCH_MS) return 'its process could not be started'
    // The helper may have died with the request in its hands; a second request never runs a job twice.
    if (now - this.#remindedAt > REMIND_MS) {
      this.#remindedAt = now
      this.#start()
    }
    return undefined
  }

  async kill(graceMs: number, hurry: AbortSignal): Promise<number> {
    // A wrapper that has just begun cannot be found yet: it is waited for, unless it can still be kept from beginning.
    while (this.startedAt() === undefined && !this.#folder.claim()) {
      if (this.vanished()) break
      await delay(10)
    }
    this.#left = await killTree(this.#tree, graceMs, hurry)
    this.#isKilled = true
    return this.#left
  }

  release(): void {
    if (this.#isReleased || !this.#host) return
    this.#isReleased = true
    this.#closeNotes()
    const swept = this.#isKilled ? Promise.resolve(this.#left) : this.#host.sweep(this.#tree)
    const { lane } = this.#folder
    // One that was made for this job alone goes with it.
    if (this.#helper !== lane?.helper) this.#helper?.end()
    lane?.release(swept, () => {
      this.#tree.cgroup = undefined
      this.#tree.leader = undefined
    })
  }
}
