// Owns one job's process as seen through its folder: started, followed, found again after a restart, ended with all its kin.
import { closeSync, existsSync, type FSWatcher, openSync, readSync, watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Launcher } from '../process/process.ts'
import { hostUptime, isAlive } from '../process/process-table.ts'
import { killTree, type Tree } from '../process/process-tree.ts'
import { markerEntry } from './environment.ts'
import { type JobNotes, NOTES_BYTES, notesIn } from './job-notes.ts'
import type { JobFolder } from './journal.ts'

/** A started job whose wrapper does not note itself within this time never will. */
const LAUNCH_MS = 20_000
const REMIND_MS = 3000
const noteBytes = Buffer.alloc(NOTES_BYTES)
const nothing: JobNotes = { startTime: '', isUnkept: false }

export class JobProcess {
  readonly tree: Tree
  startedAt: number | undefined
  readonly #folder: JobFolder
  readonly #hurry = new AbortController()
  #startTime = ''
  #launchedAt = 0
  #remindedAt = 0
  #watcher: FSWatcher | undefined
  #notesFd: number | undefined

  constructor(folder: JobFolder) {
    this.#folder = folder
    const readNotes = () => this.#readNotes()
    this.tree = {
      marker: markerEntry(folder.ref),
      leader: undefined,
      session: undefined,
      get reader() {
        return readNotes().reader
      },
      since: 0,
      cgroup: undefined,
    }
  }

  /** The folder is prepared: runs it, and calls `onChange` whenever something happens in it. */
  launch(launcher: Launcher, onChange: () => void): void {
    this.follow(onChange)
    this.#start(launcher)
  }

  /** The helper may have died with the request in its hands; a second request never runs a job twice. */
  remind(launcher: Launcher): void {
    const now = performance.now()
    if (this.tree.leader !== undefined || now - this.#remindedAt < REMIND_MS) return
    this.#remindedAt = now
    this.#start(launcher)
  }

  #start(launcher: Launcher): void {
    const { jobId } = this.#folder.ref
    const cgroup = launcher.place(jobId)
    if (cgroup !== undefined) this.#folder.cgroup = cgroup
    launcher.start(jobId)
  }

  /** It has ended; another job may be started in its place. */
  release(launcher: Launcher): void {
    launcher.ended(this.#folder.ref.jobId, () => {
      this.tree.cgroup = undefined
    })
  }

  /** Of a job that was launched before, perhaps by an agent before this one. */
  follow(onChange: () => void): void {
    this.#launchedAt = performance.now()
    this.#remindedAt = this.#launchedAt
    // The agent's own files in it grow too.
    const onEvent = (_event: string, name: string | null) => (name === 'raw' || name === 'job') && onChange()
    this.#watcher = watch(this.#folder.path, { persistent: false }, onEvent)
    this.#watcher.on('error', () => this.#watcher?.close())
  }

  unfollow(): void {
    this.#watcher?.close()
    if (this.#notesFd !== undefined) closeSync(this.#notesFd)
    this.#notesFd = undefined
  }

  /** True once: when the wrapper has noted itself. */
  noteStart(): boolean {
    if (this.tree.leader !== undefined) return false
    const { pid, startTime, session } = this.#readNotes()
    if (pid === undefined) return false
    this.tree.leader = pid
    this.tree.session = session
    this.tree.cgroup = this.#folder.cgroup
    this.tree.since = Number(startTime) || 0
    this.#startTime = startTime
    // After a restart of the agent the note may be the second one, of the exit; the uptime still tells the start.
    this.startedAt = this.tree.since > 0 ? Math.floor(Date.now() - this.elapsedMs()) : this.#folder.notedAt()
    return true
  }

  /** Since the start, by the host's uptime: a changed clock or a restarted agent moves nothing. */
  elapsedMs(): number {
    const ticks = Number(this.#startTime)
    return Math.max(0, ticks > 0 ? (hostUptime() - ticks / 100) * 1000 : Date.now() - (this.startedAt ?? Date.now()))
  }

  exitCode(): number | undefined {
    return this.#readNotes().exitCode
  }

  /** Some of its output could not be written to the disk. */
  get isUnkept(): boolean {
    return this.#readNotes().isUnkept
  }

  /** Asked whenever there is output, so the file stays open. */
  #readNotes(): JobNotes {
    // Missing when the step has removed it.
    if (this.#notesFd === undefined && !existsSync(this.#folder.file('job'))) return nothing
    this.#notesFd ??= openSync(this.#folder.file('job'), 'r')
    return notesIn(noteBytes.subarray(0, readSync(this.#notesFd, noteBytes, 0, NOTES_BYTES, 0)))
  }

  /** Why no exit code will ever come, if so. */
  vanished(): string | undefined {
    const { leader } = this.tree
    if (leader !== undefined) {
      return isAlive(leader, this.#startTime) ? undefined : 'its process ended without leaving an exit code'
    }
    if (!existsSync(this.#folder.file('job'))) return 'its folder was removed'
    return performance.now() - this.#launchedAt > LAUNCH_MS ? 'its process could not be started' : undefined
  }

  /** Ends all of it; answers how many processes could not be ended. */
  async kill(graceMs: number, onStart: () => void): Promise<number> {
    // A wrapper that has just begun cannot be found yet: it is waited for, unless it can still be kept from beginning.
    while (this.tree.leader === undefined && !this.#folder.claim()) {
      if (this.noteStart()) onStart()
      else if (this.vanished()) break
      else await delay(10)
    }
    return killTree(this.tree, graceMs, this.#hurry.signal)
  }

  /** A kill that is under way waits no longer. */
  hurry(): void {
    this.#hurry.abort()
  }
}
