// Owns the user that steps run as when it is not the agent's own: who that is, where its files are, and how a step becomes it.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lchownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ExitError } from '../exit.ts'
import { startFile } from './wrapper.ts'

export interface StepUser {
  name: string
  uid: number
  gid: number
  home: string
}

/** Throws a sentence when steps cannot be run as this user. */
export function findStepUser(name: string): StepUser {
  if (process.getuid?.() !== 0) throw new Error('needs an agent that runs as root.')
  let entry: string
  try {
    entry = execFileSync('getent', ['passwd', '--', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    execFileSync('setpriv', ['--version'], { stdio: 'ignore' })
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new Error(
      isMissing ? 'needs getent and setpriv on this host.' : `names "${name}", whom this host does not know.`,
    )
  }
  const [found = '', , uid, gid, , home = '/'] = entry.trim().split(':')
  if (Number(uid) === 0) throw new Error('must be another user than root.')
  return { name: found, uid: Number(uid), gid: Number(gid), home }
}

/**
 * What such a user must reach lies outside the data folder, which stays closed to it. The name follows from the data folder, so
 * that the next agent finds it again.
 */
export function stepsFolder(dataPath: string): string {
  const path = join('/var/tmp', `ansflow-${createHash('sha256').update(dataPath).digest('hex').slice(0, 16)}`)
  mkdirSync(path, { recursive: true, mode: 0o711 })
  const stat = lstatSync(path)
  if (!stat.isDirectory() || stat.uid !== 0 || (stat.mode & 0o022) !== 0)
    throw new ExitError('dataFolder', `The folder ${path} is not root's alone; remove it, then start the agent again.`)
  return path
}

/** Hands over what the agent has made, and no step has touched yet. */
export function giveAll(path: string, user: StepUser): void {
  lchownSync(path, user.uid, user.gid)
  if (!lstatSync(path).isDirectory()) return
  for (const name of readdirSync(path)) giveAll(join(path, name), user)
}

/** Runs as root, with nothing of the step's own in its environment. A pipe is opened by name (/dev/stderr) only by its owner. */
const BECOME =
  'chown "$1" /proc/self/fd/1 /proc/self/fd/2; exec setpriv --reuid="$1" --regid="$2" --init-groups -- /bin/sh -c "$4" ansflow-step "$3"'
/** Runs as the user. */
const BEGIN = 'ansflow_start=$1; . "$ansflow_start"; : >"$ansflow_start"; cd "$1" || exit 125; shift; exec "$@"'

/** The start of a process that becomes the user and then reads `start`, the step's own. */
export function startAs(user: StepUser, start: string): string {
  const words = [String(user.uid), String(user.gid), start, BEGIN]
  return startFile(new Map(), '/', ['/bin/sh', '-c', BECOME, 'ansflow-step', ...words])
}
