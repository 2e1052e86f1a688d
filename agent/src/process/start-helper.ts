// Owns the small shells that start steps, because starting a process takes the longer the larger the starter is. Each runs one job
// at a time; where there are control groups, it has one: the job is in that group from its first moment on, and need not be
// moved (which takes the kernel 5 to 25 ms).
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { createCgroups, processesOf, removeCgroup } from './cgroup.ts'
import { HELPER, STEP } from './wrapper.ts'

export interface Helper {
  readonly cgroup: string | undefined
  run(jobId: string): void
}

export interface Helpers {
  /** The job's helper, the same until it is released or has died. */
  of(jobId: string): Helper
  /** `onFree`: nothing of the job is left in its group, and from now on the group is another's. */
  release(jobId: string, onFree: () => void): void
  stop(): void
}

interface Shell extends Helper {
  child: ChildProcess
  jobId: string | undefined
  /** It has been told to run a job and has not said since that it is free. */
  busy: boolean
  freeing: boolean
  /** Everything that a job needs is there, or on its way. */
  ready: boolean
  /** Starts all that a job needs but for the job itself; with something of another one still about, it could be ended as that. */
  getReady(): void
}

/** One more than is used is kept ready, so that a job does not wait for its helper. */
const SPARE_AFTER_MS = 100
/** A job's wrapper, and what the sweeper ends, take a moment to go. */
const FREE_AFTER_MS = [5, 10, 50, 500, 2000]

export function createHelpers(where: { jobsPath: string; path: string; log: Log }): Helpers {
  const cgroups = createCgroups()
  const shells = new Set<Shell>()
  let stopped = false

  function startShell(): Shell {
    const cgroup = cgroups.make()
    const child = spawn('/bin/sh', ['-c', HELPER, 'ansflow-helper', where.jobsPath, STEP, cgroup ?? ''], {
      env: { PATH: where.path },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const shell: Shell = {
      child,
      cgroup,
      jobId: undefined,
      busy: false,
      freeing: false,
      ready: false,
      getReady() {
        if (shell.ready) return
        shell.ready = true
        child.stdin.write('\n')
      },
      run(jobId) {
        // It has been told already, and will do it: it is alive.
        if (shell.busy) return
        shell.busy = true
        // Not when somebody has killed a part of it that waited for this job.
        shell.getReady()
        child.stdin.write(`${jobId}\n`)
      },
    }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!text.endsWith('free\n')) return
      // What waited for a job was ended by somebody.
      if (!shell.busy) retire(shell)
      shell.busy = false
      shell.ready = false
    })
    child.stdin.on('error', () => {})
    child.once('error', (error) => {
      shells.delete(shell)
      where.log.error('The start helper cannot be run.', { error: error.message })
    })
    child.once('exit', () => {
      if (shells.delete(shell) && !stopped) where.log.warn('The start helper has ended; the next job starts a new one.')
      if (cgroup !== undefined) removeCgroup(cgroup)
    })
    child.unref()
    for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref(): void }).unref()
    shell.getReady()
    shells.add(shell)
    return shell
  }

  const of = (jobId: string | undefined) => [...shells].find((shell) => shell.jobId === jobId)

  function keepSpare(): void {
    if (!stopped && !of(undefined)) startShell()
  }

  function retire(shell: Shell): void {
    shells.delete(shell)
    shell.child.stdin?.end()
  }

  /** With something of the job still in it, the group is the job's for ever, and another helper takes the next one. */
  async function free(shell: Shell, onFree: () => void): Promise<void> {
    const { cgroup, child } = shell
    shell.freeing = true
    for (const waitMs of FREE_AFTER_MS) {
      await delay(waitMs, undefined, { ref: false })
      if (shell.busy || (cgroup !== undefined && processesOf(cgroup).some((pid) => pid !== child.pid))) continue
      shell.freeing = false
      shell.jobId = undefined
      onFree()
      return shell.getReady()
    }
    retire(shell)
  }

  startShell()
  return {
    of(jobId) {
      const known = of(jobId)
      if (known) return known
      const shell = of(undefined) ?? startShell()
      shell.jobId = jobId
      setTimeout(keepSpare, SPARE_AFTER_MS).unref()
      return shell
    },
    release(jobId, onFree) {
      const shell = of(jobId)
      if (shell && !shell.freeing) void free(shell, onFree)
    },
    stop() {
      stopped = true
      for (const shell of shells) shell.child.stdin?.end()
    },
  }
}
