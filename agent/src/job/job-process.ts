// Owns a main that is a process of this host, as seen through its job's folder: started, followed, found again after a restart,
// ended with all its kin.
import { closeSync, existsSync, type FSWatcher, openSync, readSync, watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Launcher } from '../process/process.ts'
import { hostUptime, isAlive } from '../process/process-table.ts'
import { killTree, type Tree } from '../process/process-tree.ts'
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
  #launchedAt = 0
  #remindedAt = Number.POSITIVE_INFINITY
  #watcher: FSWatcher | undefined
  #notesFd: number | undefined
  #isKilled = false
  #isReleased = false

  constructor(folder: JobFolder, commandOf: (context: CommandContext) => StepCommand) {
    this.#folder = folder
    this.#commandOf = commandOf
    this.#tree = {
      marker: markerEntry(folder.ref),
      leader: undefined,
      session: undefined,
      get reader() {
        return folder.readerPid
      },
      since: 0,
      cgroup: undefined,
    }
  }

  async begin(context: StepContext, onChange: () => void): Promise<void> {
    prepareLaunch(context, this.#commandOf)
    this.attach(context.host, onChange)
    this.#remindedAt = this.#launchedAt
    this.#start(context.host.launcher)
  }

  attach(host: StepHost, onChange: () => void): void {
    this.#host = host
    this.#launchedAt = performance.now()
    // The agent's own files in it grow too.
    const onEvent = (_event: string, name: string | null) => (name === 'raw' || name === 'job') && onChange()
    this.#watcher = watch(this.#folder.path, { persistent: false }, onEvent)
    this.#watcher.on('error', () => this.#watcher?.close())
  }

  #start(launcher: Launcher): void {
    const { jobId } = this.#folder.ref
    const cgroup = launcher.place(jobId)
    if (cgroup !== undefined) this.#folder.cgroup = cgroup
    launcher.start(jobId)
  }

  unfollow(): void {
    this.#watcher?.close()
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
    this.#startedAt = this.#tree.since > 0 ? Math.floor(Date.now() - this.elapsedMs()) : this.#folder.notedAt()
    return this.#startedAt
  }

  elapsedMs(): number {
    const ticks = Number(this.#startTime)
    return Math.max(0, ticks > 0 ? (hostUptime() - ticks / 100) * 1000 : Date.now() - (this.#startedAt ?? Date.now()))
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
    return notesIn(noteBytes.subarray(0, readSync(this.#notesFd, noteBytes, 0, NOTES_BYTES, 0)))
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
      this.#start(this.#host!.launcher)
    }
    return undefined
  }

  async kill(graceMs: number, hurry: AbortSignal): Promise<number> {
    // A wrapper that has just begun cannot be found yet: it is waited for, unless it can still be kept from beginning.
    while (this.startedAt() === undefined && !this.#folder.claim()) {
      if (this.vanished()) break
      await delay(10)
    }
    const left = await killTree(this.#tree, graceMs, hurry)
    this.#isKilled = true
    return left
  }

  release(): void {
    if (this.#isReleased || !this.#host) return
    this.#isReleased = true
    if (!this.#isKilled) this.#host.sweep(this.#tree)
    this.#host.launcher.ended(this.#folder.ref.jobId, () => {
      this.#tree.cgroup = undefined
    })
  }
}
