// Owns starting step processes: each in a session of its own that outlives the agent, through a small shell that stays
// small, because starting a process takes the longer the larger the starter is.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { replaceFile } from './data-folder.ts'
import type { Log } from './log.ts'

/**
 * Starts jobs as it is told, one line each. Only ids and numbers come over the pipe; all text of users is in files of
 * the job's folder. It ends with the agent (its input closes); the jobs do not.
 */
const HELPER = `
setsid -f true && echo sessions
while read -r verb job number; do
  case $job in '' | *[!A-Za-z0-9_-]*) continue ;; esac
  case $verb in
    start) setsid -f sh "$2" "$1/$job" </dev/null >/dev/null 2>&1 ;;
    punch) fallocate --punch-hole --offset 0 --length "$number" "$1/$job/run/raw" 2>/dev/null || echo "nopunch $job" ;;
  esac
done
`

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
  /** Starts the job whose folder is prepared. Asking again is harmless. */
  start(jobId: string): void
  /** Gives the disk blocks of the first `bytes` of a job's raw output back. */
  punch(jobId: string, bytes: number): void
  /** False when the file system cannot give blocks back. */
  readonly canPunch: boolean
  stop(): void
}

export function createLauncher(dataPath: string, jobsPath: string, path: string, log: Log): Launcher {
  const script = join(dataPath, 'run-job.sh')
  // A new file, not a new content: shells that run the old one read it piece by piece.
  replaceFile(script, RUN_JOB)
  const env = { PATH: path }
  let helper: ChildProcess | undefined
  let sessions = process.platform === 'linux'
  let canPunch = process.platform === 'linux'
  let stopped = false

  function startHelper(): ChildProcess {
    const child = spawn('/bin/sh', ['-c', HELPER, 'ansflow-helper', jobsPath, script], {
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    let heard = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      heard = (heard + text).slice(-4096)
      if (heard.includes('nopunch ')) canPunch = false
    })
    child.stdout!.once('close', () => {
      if (heard.startsWith('sessions') || stopped) return
      // No setsid here: Node starts the jobs itself, slower, in sessions of their own too.
      sessions = false
    })
    child.stdin!.on('error', () => {})
    child.once('error', (error) => log.warn('The start helper cannot be run.', { error: error.message }))
    child.once('exit', () => {
      if (helper === child) helper = undefined
      if (!stopped) log.warn('The start helper has ended; the next job starts a new one.')
    })
    child.unref()
    ;(child.stdin as unknown as { unref(): void }).unref()
    ;(child.stdout as unknown as { unref(): void }).unref()
    return child
  }
  function tell(line: string): void {
    helper ??= startHelper()
    helper.stdin!.write(line)
  }
  function spawnDirectly(jobId: string): void {
    const child = spawn('/bin/sh', [script, join(jobsPath, jobId)], { env, detached: true, stdio: 'ignore' })
    child.once('error', (error) => log.error('A job process cannot be started.', { job: jobId, error: error.message }))
    child.unref()
  }
  if (sessions) helper = startHelper()
  return {
    start: (jobId) => (sessions ? tell(`start ${jobId}\n`) : spawnDirectly(jobId)),
    punch: (jobId, bytes) => {
      if (canPunch) tell(`punch ${jobId} ${bytes}\n`)
    },
    get canPunch() {
      return canPunch
    },
    stop() {
      stopped = true
      helper?.stdin?.end()
    },
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
