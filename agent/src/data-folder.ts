// Owns the data folder: its layout, the agent's identity in it, and the lock that keeps a second agent out.
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { ExitError } from './exit.ts'
import { isAlive, startTimeOf } from './process/process-table.ts'
import { type StepUser, stepsFolder } from './process/step-user.ts'

export interface Identity {
  url: string
  agentId: string
  agentSecret: string
  name: string
  /** The file of --ca-file at the registration. */
  caFile?: string
}

export interface DataFolder {
  path: string
  jobs: string
  /** Files of jobs that their steps use: in `jobs`, unless steps run as another user. */
  steps: string
  /** Folders that become those of jobs. */
  ready: string
  workspaces: string
  readIdentity(): Identity | undefined
  writeIdentity(identity: Identity): void
  release(): void
}

/** Takes the folder for this process. Throws when it cannot be written or another agent runs on it. */
export function openDataFolder(path: string, stepUser?: StepUser): DataFolder {
  const jobs = join(path, 'jobs')
  const outside = stepUser && stepsFolder(path)
  const folder = {
    path,
    jobs,
    steps: outside ? join(outside, 'jobs') : jobs,
    ready: join(path, 'ready'),
    workspaces: join(outside ?? path, 'workspaces'),
  }
  const lock = join(path, 'agent.lock')
  try {
    for (const dir of [path, jobs, folder.ready]) mkdirSync(dir, { recursive: true, mode: 0o700 })
    for (const dir of [folder.steps, folder.workspaces])
      mkdirSync(dir, { recursive: true, mode: outside ? 0o711 : 0o700 })
    if (outside) chmodSync(path, 0o700)
    takeLock(lock)
  } catch (error) {
    if (error instanceof ExitError) throw error
    throw new ExitError('dataFolder', `The data folder ${path} cannot be written: ${(error as Error).message}.`)
  }
  const identityFile = join(path, 'identity.json')
  return {
    ...folder,
    readIdentity() {
      try {
        return JSON.parse(readFileSync(identityFile, 'utf8')) as Identity
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw new ExitError(
          'dataFolder',
          `The identity in ${identityFile} cannot be read: ${(error as Error).message}.`,
        )
      }
    },
    writeIdentity: (identity) => replaceFile(identityFile, `${JSON.stringify(identity, null, 2)}\n`, { flush: true }),
    release: () => rmSync(lock, { force: true }),
  }
}

/** Writes a file that is either all there or not. `flush`: also after a crash of the host. */
export function replaceFile(
  path: string,
  content: string | Uint8Array,
  { mode = 0o600, flush = false }: { mode?: number; flush?: boolean } = {},
): void {
  const next = `${path}.next`
  writeFileSync(next, content, { mode, flush })
  renameSync(next, path)
}

/** What was in it is not needed. Not by making the file empty: file systems then write at once what comes next. */
export function overwrite(path: string, content: string | Uint8Array, mode = 0o600): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT, mode)
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    let at = 0
    while (at < bytes.length) at += writeSync(fd, bytes, at)
    if (fstatSync(fd).size > at) ftruncateSync(fd, at)
  } finally {
    closeSync(fd)
  }
}

/** The lock names a process by id and start time, so that it means nothing after a crash or a restart of the host. */
function takeLock(lock: string): void {
  const mine = `${lock}.${process.pid}`
  writeFileSync(mine, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }), { mode: 0o600 })
  try {
    for (let tries = 0; tries < 10; tries++) {
      try {
        linkSync(mine, lock)
        return
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = readHolder(lock)
      if (holder && isAlive(holder.pid, holder.startTime)) {
        throw new ExitError(
          'alreadyRunning',
          `Another agent (process ${holder.pid}) runs on the data folder of ${lock}.`,
        )
      }
      rmSync(lock, { force: true })
    }
    throw new Error('its lock file keeps changing')
  } finally {
    unlinkSync(mine)
  }
}

function readHolder(lock: string): { pid: number; startTime: string } | undefined {
  try {
    return JSON.parse(readFileSync(lock, 'utf8')) as { pid: number; startTime: string }
  } catch {
    return undefined
  }
}
