// Owns removing what steps have made: however deep, whatever its permissions, and nothing that is mounted in it.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync, rmSync, unlinkSync } from 'node:fs'
import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Removes a folder with everything in it. Throws a sentence when something of it stays. */
export async function removeTree(path: string): Promise<void> {
  if (await isGone(path)) return
  const mount = mountIn(path)
  // A mounted folder may be one of the host's.
  if (mount !== undefined) throw new Error(`Something is mounted at ${mount}.`)
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 2 })
  } catch {
    // Read-only folders (Go's module cache), or paths that are too long for the system: these programs walk from folder to folder.
    const script = 'chmod -R u+rwx -- "$1"; exec rm -rf -- "$1"'
    await run('/bin/sh', ['-c', script, 'sh', path]).catch((error: { stderr?: string }) => {
      throw new Error(
        String(error.stderr ?? error)
          .split('\n')
          .filter(Boolean)
          .at(-1)
          ?.slice(0, 500),
      )
    })
  }
}

/** More is for other threads. */
const FEW_FILES = 50

/**
 * A folder of few files goes at once, `first` before the others. False: it has folders in it, which something may be mounted on, or
 * whatever else needs `removeTree`. What waits for the disk (files do not, folders do) does it on another thread.
 */
export async function removeFiles(path: string, first: string): Promise<boolean> {
  try {
    rmSync(join(path, first), { force: true })
    const names = readdirSync(path)
    if (names.length > FEW_FILES) return false
    for (const name of names) unlinkSync(join(path, name))
    await rmdir(path)
    return true
  } catch {
    return false
  }
}

/** What is empty, as the temporary folders of most steps are, goes by one call. */
export async function isGone(path: string): Promise<boolean> {
  try {
    await rmdir(path)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

function mountIn(path: string): string | undefined {
  let mounts: string
  let real: string
  try {
    mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    real = realpathSync(path)
  } catch {
    return undefined
  }
  if (!mounts.includes(` ${escaped(real)}/`)) return undefined
  return mounts
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .find((place) => place.startsWith(`${escaped(real)}/`))
}

/** As the kernel writes it there. */
function escaped(path: string): string {
  return path.replace(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`)
}
