// Owns the folders that are there before their jobs, with all that a job needs: its files, its temporary folder, its helper. By one
// rename such a folder becomes a job's, and by another it is taken back when the job is no longer wanted. It is the next one's once
// nothing is left of that job; and if anything else is in it than the agent had put there, it goes.
import { randomBytes } from 'node:crypto'
import {
  type FSWatcher,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  type Stats,
  truncateSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { overwrite } from '../data-folder.ts'
import { resetState } from '../log/spool-state.ts'
import { type Log, textOf } from '../log.ts'
import type { Launcher } from '../process/process.ts'
import type { Helper } from '../process/start-helper.ts'
import { stepFileNames } from '../process/step-files.ts'
import { acceptedIn, jobFile } from './job-notes.ts'
import { removeTree } from './remove-tree.ts'
import { makeTempFolder, newTempPath } from './temp-folder.ts'

export interface Lane {
  /** Where it is now. */
  path: string
  /** Of the job that it is or will be; undefined where it cannot be outside the folder. */
  readonly temp: string | undefined
  readonly helper: Helper
  /** Called when there may be output, or a note. */
  onChange: (() => void) | undefined
  /** What the job has left running is ended by others, who answer how much of it could not be. `onFree`: what was its is another's. */
  release(swept: Promise<number>, onFree: () => void): void
  /** It is removed. */
  discard(): Promise<void>
  /** The folder is no job's from now on. False: there is something in it that the next job must not find; it is left where it is. */
  giveBack(): boolean
}

export interface Lanes {
  take(): Lane
  stop(): Promise<void>
}

/** One more than is used is kept ready, so that a job does not wait for it. */
const SPARE_AFTER_MS = 100
const MAX_SPARE = 16
/** A job's processes, and what the sweeper ends, take a moment to go. */
const FREE_AFTER_MS = [0, 5, 50, 500, 2000]

/** Files that stay: they are written over, or emptied. */
const EMPTIED = new Set<string>(['raw', 'log', 'start', ...stepFileNames])
const KEPT = new Set([...EMPTIED, 'job', 'log.state', 'reader'])

export function createLanes(ready: string, place: string, launcher: Launcher, log: Log): Lanes {
  const spare: Lane[] = []
  const prefix = `${process.pid}-${randomBytes(4).toString('hex')}`
  let count = 0
  let stopped = false
  // Of an agent before this one.
  for (const name of readdirSync(ready)) void remove(join(ready, name))

  async function remove(path: string): Promise<void> {
    try {
      const noted = tempIn(path)
      // That of a copy is another agent's.
      if (noted && noted.place === place) await removeTree(noted.temp)
      await removeTree(path)
    } catch (error) {
      log.warn('What a job has left cannot be removed; it is left.', { path, error: textOf(error) })
    }
  }

  function make(): Lane {
    const path = join(ready, `${prefix}-${++count}`)
    mkdirSync(path, { mode: 0o700 })
    let temp = newTempPath()
    // Noted before it is made.
    const note = (path: string) => overwrite(join(path, 'job'), jobFile(JSON.stringify({ temp, place })))
    note(path)
    writeFileSync(join(path, 'raw'), '', { mode: 0o600 })
    if (temp) makeTempFolder(temp)
    const inodes = { job: lstatSync(join(path, 'job')).ino, raw: lstatSync(join(path, 'raw')).ino }
    const helper = launcher.helperIn(path)
    let swept: Promise<number> | undefined
    let onFree: (() => void) | undefined
    const watchers: FSWatcher[] = []
    const lane: Lane = {
      path,
      get temp() {
        return temp
      },
      helper,
      onChange: undefined,
      release(toldSwept, told) {
        swept = toldSwept
        onFree = told
      },
      giveBack() {
        lane.onChange = undefined
        if (stopped || !helper.isReady || spare.length >= MAX_SPARE || !isClean(lane.path, inodes)) {
          end()
          return false
        }
        const back = join(ready, `${prefix}-${++count}`)
        renameSync(lane.path, back)
        lane.path = back
        void use().catch(lane.discard)
        return true
      },
      async discard() {
        end()
        await remove(lane.path)
      },
    }
    for (const name of ['job', 'raw']) {
      const watcher = watch(join(path, name), { persistent: false }, () => lane.onChange?.())
      watcher.on('error', () => watcher.close())
      watchers.push(watcher)
    }

    function end(): void {
      for (const watcher of watchers) watcher.close()
      helper.end()
    }

    async function use(): Promise<void> {
      if (!(await isFree())) return lane.discard()
      onFree?.()
      swept = undefined
      onFree = undefined
      for (const name of readdirSync(lane.path)) setBack(join(lane.path, name), name)
      if (temp && !isUntouched(temp)) {
        await removeTree(temp)
        temp = newTempPath()
        note(lane.path)
        if (temp) makeTempFolder(temp)
      } else note(lane.path)
      if (stopped || !helper.isAlive) return lane.discard()
      helper.getReady()
      spare.push(lane)
    }

    /** Where no control group tells, the sweeper does. */
    async function isFree(): Promise<boolean> {
      if (helper.cgroup === undefined) return ((await swept) ?? 0) === 0
      for (const waitMs of FREE_AFTER_MS) {
        if (waitMs > 0) await delay(waitMs, undefined, { ref: false })
        if (helper.isAlone) return true
      }
      return false
    }

    return lane
  }

  function keepSpare(): void {
    if (stopped || spare.length > 0) return
    try {
      spare.push(make())
    } catch (error) {
      // A full disk: a job that comes says so.
      log.warn('No folder can be made for the next job.', { error: textOf(error) })
    }
  }

  keepSpare()
  return {
    take() {
      let lane = spare.pop()
      for (; lane && !lane.helper.isAlive; lane = spare.pop()) void lane.discard()
      if (spare.length === 0) setTimeout(keepSpare, SPARE_AFTER_MS).unref()
      return lane ?? make()
    },
    async stop() {
      stopped = true
      for (const lane of spare.splice(0)) await lane.discard()
    },
  }
}

function tempIn(path: string): { temp: string; place: string } | undefined {
  try {
    return JSON.parse(acceptedIn(readFileSync(join(path, 'job'), 'utf8')))
  } catch {
    return undefined
  }
}

/** A step may have made anything of them. */
function isClean(path: string, inodes: { job: number; raw: number }): boolean {
  const names = readdirSync(path)
  if (!names.includes('job') || !names.includes('raw')) return false
  return names.every((name) => {
    const stat = lstatSync(join(path, name))
    if (!stat.isFile()) return false
    if (!KEPT.has(name)) return true
    return isOurs(stat) && (inodes[name as keyof typeof inodes] ?? stat.ino) === stat.ino
  })
}

function isOurs(stat: Stats): boolean {
  return stat.nlink === 1 && (stat.mode & 0o777) === 0o600
}

function setBack(path: string, name: string): void {
  if (!KEPT.has(name)) unlinkSync(path)
  else if (name === 'log.state') resetState(path)
  else if (EMPTIED.has(name) && lstatSync(path).size > 0) truncateSync(path)
}

function isUntouched(temp: string): boolean {
  const stat = lstatSync(temp, { throwIfNoEntry: false })
  const isMine = stat?.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o777) === 0o700
  return isMine === true && readdirSync(temp).length === 0
}
