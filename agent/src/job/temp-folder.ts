// Owns where a job's temporary folder is: its path is short, because sockets are made in it, whose names have at most 107 bytes.
import { randomBytes } from 'node:crypto'
import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Leaves room for a folder in it and the name of a socket. */
const MAX_ROOT = 40
/** The system's, when that is short enough, else those that every system has. */
const roots = [tmpdir(), '/tmp', '/var/tmp'].filter((path) => path.length <= MAX_ROOT)

let root: string | undefined

/** A name that nobody can guess or make before us; undefined where no short folder can be written. */
export function newTempPath(): string | undefined {
  root ??= roots.find(isWritable)
  return root && join(root, `af-${randomBytes(6).toString('base64url')}`)
}

export function makeTempFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Made before, by an agent that was killed then.
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
