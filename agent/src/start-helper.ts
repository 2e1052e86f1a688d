// Owns the small shells that start steps, because starting a process takes the longer the larger the starter is. Where there are
// control groups, each shell has one, and starts one job at a time: the job is in that group from its first moment on, and
// need not be moved (which takes the kernel 5 to 25 ms).
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { createCgroups, processesOf, removeCgroup } from './cgroup.ts'
import type { Log } from './log.ts'

/**
 * Starts jobs as it is told, one line each. Only ids and numbers come over the pipe; all text of users is in files of
 * the job's folder. It ends with the agent (its input closes); the jobs do not.
 */
const HELPER = `
[ -z "$3" ] || echo 0 >"$3/cgroup.procs"
setsid -f true && echo sessions
while read -r verb job number; do
  case $job in '' | *[!A-Za-z0-9_-]*) continue ;; esac
  case $verb in
    start) setsid -f sh "$2" "$1/$job" </dev/null >/dev/null 2>&1 ;;
    punch) fallocate --punch-hole --offset 0 --length "$number" "$1/$job/run/raw" 2>/dev/null || echo "nopunch $job" ;;
  esac
done
`

export interface Helper {
  readonly cgroup: string | undefined
  tell(line: string): void
}

export interface Helpers {
  /** False when the file system cannot give blocks back. */
  readonly canPunch: boolean
  /** The job's helper, the same until it is released or has died; undefined where jobs cannot be started by one. */
  of(jobId: string): Helper | undefined
  /** `onFree`: nothing of the job is left in its group, and from now on the group is another's. */
  release(jobId: string, onFree: () => void): void
  stop(): void
}

interface Shell extends Helper {
  child: ChildProcess
  jobs: Set<string>
  freeing: boolean
}

/** One more than is used is kept ready, so that a job does not wait for its helper. */
const SPARE_AFTER_MS = 100
/** A job's wrapper, and what the sweeper ends, take a moment to go. */
const FREE_AFTER_MS = [2, 10, 50, 500, 2000]

export function createHelpers(where: { jobsPath: string; script: string; path: string; log: Log }): Helpers {
  const cgroups = createCgroups()
  const shells = new Set<Shell>()
  let sessions = process.platform === 'linux'
  let canPunch = sessions
  let stopped = false

  function startShell(): Shell {
    const cgroup = cgroups.make()
    const child = spawn('/bin/sh', ['-c', HELPER, 'ansflow-helper', where.jobsPath, where.script, cgroup ?? ''], {
      env: { PATH: where.path },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const shell: Shell = {
      child,
      cgroup,
      jobs: new Set(),
      freeing: false,
      tell: (line) => void child.stdin.write(line),
    }
    let heard = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      heard = (heard + text).slice(0, 4096)
      if (text.includes('nopunch ')) canPunch = false
    })
    child.stdout.once('close', () => {
      if (!heard.startsWith('sessions') && !stopped) sessions = false
    })
    child.stdin.on('error', () => {})
    child.once('error', (error) => where.log.warn('The start helper cannot be run.', { error: error.message }))
    child.once('exit', () => {
      if (shells.delete(shell) && !stopped) where.log.warn('The start helper has ended; the next job starts a new one.')
      if (cgroup !== undefined) removeCgroup(cgroup)
    })
    child.unref()
    for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref(): void }).unref()
    shells.add(shell)
    return shell
  }

  const idle = () => [...shells].find((shell) => shell.jobs.size === 0 || !cgroups.usable)

  function keepSpare(): void {
    if (!stopped && sessions && !idle()) startShell()
  }

  /** With something of the job still in it, the group is the job's for ever, and another helper takes the next one. */
  async function free(shell: Shell, jobId: string, onFree: () => void): Promise<void> {
    const { cgroup, child } = shell
    if (cgroup !== undefined) {
      shell.freeing = true
      for (const waitMs of FREE_AFTER_MS) {
        await delay(waitMs, undefined, { ref: false })
        if (processesOf(cgroup).every((pid) => pid === child.pid)) {
          shell.freeing = false
          shell.jobs.delete(jobId)
          return onFree()
        }
      }
      shells.delete(shell)
      child.stdin?.end()
    }
    shell.jobs.delete(jobId)
  }

  if (sessions) startShell()
  return {
    get canPunch() {
      return canPunch
    },
    of(jobId) {
      if (!sessions) return undefined
      const known = [...shells].find((shell) => shell.jobs.has(jobId))
      if (known) return known
      const shell = idle() ?? startShell()
      shell.jobs.add(jobId)
      setTimeout(keepSpare, SPARE_AFTER_MS).unref()
      return shell
    },
    release(jobId, onFree) {
      const shell = [...shells].find((one) => one.jobs.has(jobId))
      if (shell && !shell.freeing) void free(shell, jobId, onFree)
    },
    stop() {
      stopped = true
      for (const shell of shells) shell.child.stdin?.end()
    },
  }
}
