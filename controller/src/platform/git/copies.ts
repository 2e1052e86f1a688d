// The folder of copies. Each process has a folder of its own, kept by a lock that ends with it; of what a process left behind that
// was killed, only copies that nothing was being written to are used again.
import { randomUUID } from 'node:crypto'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type GitBounds, HelperError } from './helper-messages.ts'
import { type ObjectReader, openObjectReader } from './object-reader.ts'
import { askpassScript } from './remote-git.ts'

/** Written when all is well, and away while something is changed: a copy without it is not used. */
const stateFile = 'ansflow.json'
const mostSlots = 32
const mostReaders = 8
const readerIdleMs = 60_000

interface CopyState {
  url: string
  defaultBranch: string | undefined
  /** The server gives no single files: they are all here. */
  isWhole: boolean
  /** Of its packs, when it was last changed. */
  bytes: number
}

export interface Copy {
  readonly id: string
  readonly folder: string
  readonly url: string
  /** Undefined: not fetched yet. */
  state: CopyState | undefined
  /** Others read what was there before. */
  isChanging: boolean
  usedAt: number
  reader: ObjectReader | undefined
  /** Who changes it comes after who changes it. */
  changing: Promise<unknown>
}

export interface Copies {
  /** Where askpass is. */
  readonly folder: string
  get(id: string, url: string): Promise<Copy>
  /** Rejects with `absent` unless it has been fetched. */
  reader(copy: Copy): ObjectReader
  beginChange(copy: Copy): Promise<void>
  endChange(copy: Copy, after: Pick<CopyState, 'defaultBranch' | 'isWhole'>): Promise<void>
  /** False: some of what was brought has been lost. */
  isSound(copy: Copy): Promise<boolean>
  discard(copy: Copy): Promise<void>
}

export function openCopies(root: string, env: Record<string, string>, bounds: GitBounds): Copies {
  const folder = realpathSync(takeSlot(root))
  const trash = join(folder, 'trash')
  const mirrors = join(folder, 'mirrors')
  const copies = new Map<string, Promise<Copy>>()
  const opened = new Set<Copy>()
  sweep()

  function sweep(): void {
    endOrphans(folder)
    for (const name of readdirSync(folder))
      if (name.startsWith('secrets-')) rmSync(join(folder, name), { recursive: true })
    mkdirSync(trash, { recursive: true, mode: 0o700 })
    mkdirSync(mirrors, { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, 'askpass'), askpassScript, { mode: 0o700 })
    for (const name of readdirSync(mirrors)) {
      const isWhole = statSync(join(mirrors, name, stateFile), { throwIfNoEntry: false })
      // A git of a process that was killed may still write: it does so to wherever its folder is.
      if (!isWhole) renameSync(join(mirrors, name), join(trash, randomUUID()))
      else copies.set(name, load(name))
    }
    void emptyTrash()
  }

  async function emptyTrash(): Promise<void> {
    for (const name of await readdir(trash).catch(() => [])) {
      await rm(join(trash, name), { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined)
    }
  }

  async function load(id: string, url = ''): Promise<Copy> {
    const at = join(mirrors, id)
    const [text, facts] = await Promise.all([
      readFile(join(at, stateFile), 'utf8').catch(() => undefined),
      stat(join(at, stateFile)).catch(() => undefined),
    ])
    const state = text === undefined ? undefined : readState(text)
    const copy: Copy = {
      id,
      folder: at,
      url: state?.url ?? url,
      state,
      isChanging: false,
      usedAt: facts?.mtimeMs ?? Date.now(),
      reader: undefined,
      changing: Promise.resolve(),
    }
    opened.add(copy)
    return copy
  }

  async function discard(copy: Copy): Promise<void> {
    copy.state = undefined
    copy.isChanging = false
    copy.reader?.end()
    copy.reader = undefined
    await rename(copy.folder, join(trash, randomUUID())).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw new HelperError('failed', `A copy could not be removed: ${error.message}.`)
    })
    await emptyTrash()
  }

  /** Of another repository: what the one before had must not count as the other's. */
  function instead(before: Copy | undefined, id: string, url: string): Promise<Copy> {
    if (before) opened.delete(before)
    const gone = before ? queued(before, () => discard(before)) : Promise.resolve()
    const next = gone.then(() => load(id, url))
    next.catch(() => copies.get(id) === next && copies.delete(id))
    return next
  }

  async function makeRoom(but: Copy): Promise<void> {
    const oldest = [...opened].filter(({ state }) => state).sort((a, b) => a.usedAt - b.usedAt)
    let bytes = oldest.reduce((sum, copy) => sum + (copy.state?.bytes ?? 0), 0)
    let count = oldest.length
    for (const copy of oldest) {
      if (bytes <= bounds.allBytes && count <= bounds.allCount) return
      if (copy === but) continue
      bytes -= copy.state?.bytes ?? 0
      count -= 1
      const { usedAt } = copy
      await queued(copy, async () => {
        if (copy.state && copy.usedAt === usedAt) await discard(copy)
      })
    }
  }

  function keepFewReaders(but?: Copy): void {
    const now = Date.now()
    const alive = [...opened].filter(({ reader }) => reader).sort((a, b) => a.usedAt - b.usedAt)
    for (const [index, copy] of alive.entries()) {
      if (copy === but || copy.reader?.isBusy) continue
      if (alive.length - index <= mostReaders && now - copy.usedAt < readerIdleMs) continue
      copy.reader?.end()
      copy.reader = undefined
    }
  }
  setInterval(() => keepFewReaders(), readerIdleMs).unref()

  return {
    folder,
    async get(id, url) {
      for (;;) {
        const known = copies.get(id)
        const copy = await known
        if (copy?.url === url) {
          copy.usedAt = Date.now()
          return copy
        }
        // Of many who ask at once, one.
        if (copies.get(id) === known) copies.set(id, instead(copy, id, url))
      }
    },
    reader(copy) {
      if (!copy.state) throw new HelperError('absent', 'The repository has not been fetched.')
      if (!copy.reader?.isAlive) {
        copy.reader = openObjectReader(copy.folder, env)
        keepFewReaders(copy)
      }
      return copy.reader
    },
    async beginChange(copy) {
      copy.isChanging = true
      await rm(join(copy.folder, stateFile), { force: true })
    },
    async endChange(copy, after) {
      const state = { ...after, url: copy.url, bytes: await packBytes(copy.folder) }
      await writeFile(join(copy.folder, stateFile), JSON.stringify(state))
      copy.state = state
      copy.isChanging = false
      copy.usedAt = Date.now()
      // Not waited for: another may be making room in its turn, and wait for this one.
      void makeRoom(copy).catch(() => undefined)
    },
    async isSound(copy) {
      const bytes = await packBytes(copy.folder)
      return copy.isChanging || copy.state === undefined || bytes >= copy.state.bytes
    },
    discard,
  }
}

/** One after the other, whatever becomes of the one before. */
export function queued<T>(copy: Copy, work: () => Promise<T>): Promise<T> {
  const next = copy.changing.then(work, work)
  copy.changing = next.catch(() => undefined)
  return next
}

/** Of packs, also of those that are being made. */
export async function packBytes(folder: string): Promise<number> {
  const packs = join(folder, 'objects', 'pack')
  let bytes = 0
  for (const name of await readdir(packs).catch(() => [])) {
    bytes += await stat(join(packs, name)).then(
      ({ size }) => size,
      () => 0,
    )
  }
  return bytes
}

function readState(text: string): CopyState | undefined {
  try {
    const { url, defaultBranch, isWhole, bytes } = JSON.parse(text)
    return typeof url === 'string' && typeof bytes === 'number' ? { url, defaultBranch, isWhole, bytes } : undefined
  } catch {
    return undefined
  }
}

/** The lock is ours: git that works in there was begun by a helper that was killed. Where there is no /proc, it ends by itself. */
function endOrphans(folder: string): void {
  let pids: string[] = []
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return
  }
  for (const pid of pids) {
    try {
      const isInside = readlinkSync(`/proc/${pid}/cwd`).startsWith(`${folder}/`)
      if (isInside && /^(git|ssh)/.test(readFileSync(`/proc/${pid}/comm`, 'utf8'))) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended, or is somebody else's.
    }
  }
}

/** Held for as long as the process lives: the system lets go of such locks when it ends, however it ends. */
const locks: DatabaseSync[] = []

/** The first that nobody has; those behind it that nobody has are emptied. */
function takeSlot(root: string): string {
  let mine: string | undefined
  for (let slot = 0; slot < mostSlots; slot += 1) {
    const folder = join(root, String(slot))
    if (mine && !statSync(folder, { throwIfNoEntry: false })) break
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const lock = tryLock(join(folder, 'lock'))
    if (!lock) continue
    if (!mine) {
      mine = folder
      locks.push(lock)
      continue
    }
    for (const name of readdirSync(folder))
      if (name !== 'lock') rmSync(join(folder, name), { recursive: true, force: true })
    lock.close()
  }
  if (!mine) throw new HelperError('failed', `All ${mostSlots} folders in ${root} are used by other processes.`)
  return mine
}

function tryLock(file: string): DatabaseSync | undefined {
  const lock = new DatabaseSync(file)
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (/locked|busy/.test(String(error))) return undefined
    throw error
  }
}
