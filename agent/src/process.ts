// Owns starting step processes: each in a session of its own that outlives the agent, and what its wrapper notes.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { replaceFile } from './data-folder.ts'
import type { Log } from './log.ts'
import { createHelpers } from './start-helper.ts'

/**
 * Runs one job from its folder. `run/claim` is made exclusively: a job starts at most once however often it is asked for.
 * `run/state` exists before, with its final size: process and exit code are written into it in place, each by one short
 * write. That is whole or not there even when the process is killed or the disk is full. TERM is for the step, not for
 * this shell, which stays to note the exit code.
 */
const RUN_JOB = `
cd "$1" || exit 70
umask 077
set -C
: >run/claim || exit 71
set +C
exec 7>>run/raw 8<>run/state 2>/dev/null
: >>output
ansflow_stat=
[ -r "/proc/$$/stat" ] && read -r ansflow_stat <"/proc/$$/stat"
ansflow_stat=\${ansflow_stat##*) }
set -- $ansflow_stat
ansflow_stat=\${20:-0}
. ./start
printf '%-31s\\n' "$$ $ansflow_stat" >&8
umask 022
trap : TERM INT HUP QUIT USR1 USR2
"$@" </dev/null >&7 2>&1 7>&- 8>&-
printf '%-15s\\n' "$?" >&8
`

/** What `run/state` holds before: room for "pid start-time" and for the exit code. */
export const STATE_BLANK = `${' '.repeat(31)}\n${' '.repeat(15)}\n`
export const PID_BYTES = 32

export interface Launcher {
  /** The control group that the job's processes will be in; asked before it is started. */
  place(jobId: string): string | undefined
  /** Starts the job whose folder is prepared. Asking again is harmless. */
  start(jobId: string): void
  /** Its process has ended; what it left running is ended by others. `onFree`: its control group is another's from now on. */
  ended(jobId: string, onFree: () => void): void
  /** Gives the disk blocks of the first `bytes` of a job's raw output back. */
  punch(jobId: string, bytes: number): void
  stop(): void
}

export function createLauncher(dataPath: string, jobsPath: string, path: string, log: Log): Launcher {
  const script = join(dataPath, 'run-job.sh')
  // A new file, not a new content: shells that run the old one read it piece by piece.
  replaceFile(script, RUN_JOB)
  const helpers = createHelpers({ jobsPath, script, path, log })
  return {
    place: (jobId) => helpers.of(jobId)?.cgroup,
    start(jobId) {
      const helper = helpers.of(jobId)
      if (helper) return helper.tell(`start ${jobId}\n`)
      // No setsid here: Node starts the jobs itself, slower, in sessions of their own too.
      const child = spawn('/bin/sh', [script, join(jobsPath, jobId)], {
        env: { PATH: path },
        detached: true,
        stdio: 'ignore',
      })
      child.once('error', (error) =>
        log.error('A job process cannot be started.', { job: jobId, error: error.message }),
      )
      child.unref()
    },
    ended: (jobId, onFree) => helpers.release(jobId, onFree),
    punch(jobId, bytes) {
      if (helpers.canPunch) helpers.of(jobId)?.tell(`punch ${jobId} ${bytes}\n`)
    },
    stop: () => helpers.stop(),
  }
}

/** A word that a POSIX shell reads back as exactly this text. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** Names that a shell refuses to set; a step cannot have them in its environment. */
const READ_ONLY = /^(PPID|UID|EUID|BASHOPTS|SHELLOPTS|BASH_VERSINFO)$/

export function isSettable(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !READ_ONLY.test(name)
}

/** The file that the wrapper reads: environment, folder, command. The only place where user text meets a shell. */
export function startFile(env: ReadonlyMap<string, string>, folder: string, argv: readonly string[]): string {
  const lines = [...env].filter(([name]) => isSettable(name)).map(([name, value]) => `export ${name}=${quoted(value)}`)
  lines.push(
    `cd ${quoted(folder)} || { printf '%-32s%-15s\\n' '' 125 >&8; exit; }`,
    `set -- ${argv.map(quoted).join(' ')}`,
  )
  return `${lines.join('\n')}\n`.replaceAll('\0', '')
}
