// Owns one job's process as seen through its folder: started, followed, found again after a restart, ended with all its kin.
import { closeSync, type FSWatcher, openSync, readSync, rmSync, statSync, watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { markerEntry } from './environment.ts'
import type { JobFolder } from './journal.ts'
import type { Launcher } from './process.ts'
import { hostUptime, isAlive } from './process-table.ts'
import { killTree, type Tree } from './process-tree.ts'

/** A started job whose wrapper does not note itself within this time never will. */
const LAUNCH_MS = 20_000
const REMIND_MS = 3000
const exitBytes = Buffer.alloc(16)

export class JobProcess {
  readonly tree: Tree
  startedAt: number | undefined
  readonly #folder: JobFolder
  readonly #hurry = new AbortController()
  #startTime = ''
  #launchedAt = 0
  #remindedAt = 0
  #watcher: FSWatcher | undefined
  #exitFd: number | undefined

  constructor(folder: JobFolder) {
    this.#folder = folder
    this.tree = { marker: markerEntry(folder.ref), leader: undefined }
  }

  /** The folder is prepared: runs it, and calls `onChange` whenever something happens in it. */
  launch(launcher: Launcher, onChange: () => void): void {
    this.follow(onChange)
    launcher.start(this.#folder.ref.jobId)
  }

  /** The helper may have died with the request in its hands; a second request never runs a job twice. */
  remind(launcher: Launcher): void {
    const now = performance.now()
    if (this.tree.leader !== undefined || now - this.#remindedAt < REMIND_MS) return
    this.#remindedAt = now
    launcher.start(this.#folder.ref.jobId)
  }

  /** Of a job that was launched before, perhaps by an agent before this one. */
  follow(onChange: () => void): void {
    this.#launchedAt = performance.now()
    this.#remindedAt = this.#launchedAt
    this.#watcher = watch(this.#folder.file('run'), { persistent: false }, onChange)
    this.#watcher.on('error', () => this.#watcher?.close())
  }

  unfollow(): void {
    this.#watcher?.close()
    if (this.#exitFd !== undefined) closeSync(this.#exitFd)
    this.#exitFd = undefined
  }

  /** True once: when the wrapper has noted itself. */
  noteStart(): boolean {
    if (this.tree.leader !== undefined) return false
    const noted = this.#folder.readPid()
    if (!noted) return false
    this.tree.leader = noted.pid
    this.#startTime = noted.startTime
    this.startedAt = Math.floor(statSync(this.#folder.file('run', 'pid')).mtimeMs)
    // The wrapper has read it; what was secret in it is now only in the process.
    rmSync(this.#folder.file('start'), { force: true })
    return true
  }

  /** Since the start, by the host's uptime: a changed clock or a restarted agent moves nothing. */
  elapsedMs(): number {
    const ticks = Number(this.#startTime)
    return Math.max(0, ticks > 0 ? (hostUptime() - ticks / 100) * 1000 : Date.now() - (this.startedAt ?? Date.now()))
  }

  /** Asked whenever there is output, so the file stays open. */
  exitCode(): number | undefined {
    this.#exitFd ??= openSync(this.#folder.file('run', 'exit'), 'r')
    const text = exitBytes.toString('latin1', 0, readSync(this.#exitFd, exitBytes, 0, exitBytes.length, 0)).trim()
    return text === '' ? undefined : Number(text)
  }

  /** Why no exit code will ever come, if so. */
  vanished(): string | undefined {
    const { leader } = this.tree
    if (leader !== undefined) {
      return isAlive(leader, this.#startTime) ? undefined : 'its process ended without leaving an exit code'
    }
    return performance.now() - this.#launchedAt > LAUNCH_MS ? 'its process could not be started' : undefined
  }

  /** Ends all of it; answers how many processes could not be ended. */
  async kill(graceMs: number, onStart: () => void): Promise<number> {
    // A wrapper that has just begun cannot be found yet: it is waited for, unless it can still be kept from beginning.
    while (this.tree.leader === undefined && !this.#folder.claim()) {
      if (this.noteStart()) onStart()
      else if (performance.now() - this.#launchedAt > LAUNCH_MS) break
      else await delay(10)
    }
    return killTree(this.tree, graceMs, this.#hurry.signal)
  }

  /** A kill that is under way waits no longer. */
  hurry(): void {
    this.#hurry.abort()
  }
}
