// Owns the small shells that start steps, because starting a process takes the longer the larger the starter is. Each runs the jobs of
// one folder, one at a time; where there are control groups, it has one: a job is in that group from its first moment on, and
// need not be moved (which takes the kernel 5 to 25 ms).
import { spawn } from 'node:child_process'
import type { Log } from '../log.ts'
import { createCgroups, processesOf, removeCgroup } from './cgroup.ts'
import { HELPER } from './wrapper.ts'

export interface Helper {
  readonly cgroup: string | undefined
  /** It can run a job. */
  readonly isAlive: boolean
  /** All of it is there. */
  readonly isReady: boolean
  /** Nothing is left of the job that it ran, where a control group can tell. */
  readonly isAlone: boolean | undefined
  /** Starts all that a job needs but for the job itself; with something of another one still about, it could be ended as that. */
  getReady(): void
  run(jobId: string): void
  /** It ends, once what it runs has ended. */
  end(): void
}

export interface Helpers {
  /** Whatever becomes of the folder's name, the helper stays in it. */
  in(folder: string): Helper
  stop(): void
}

export function createHelpers(where: { jobsPath: string; path: string; log: Log }): Helpers {
  const cgroups = createCgroups()
  const all = new Set<Helper>()

  function start(folder: string): Helper {
    const cgroup = cgroups.make()
    const child = spawn('/bin/sh', ['-c', HELPER, 'ansflow-helper', where.jobsPath, cgroup ?? ''], {
      cwd: folder,
      env: { PATH: where.path },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    /** The processes that stay from job to job. */
    let own: ReadonlySet<number> | undefined
    /** A job that came before these were there: with it among them they could not be counted. */
    let early: string | undefined
    let isAlive = true
    /** The next job's process waits for it, or is going to. */
    let isWaiting = false
    const helper: Helper = {
      cgroup,
      get isAlive() {
        return isAlive
      },
      get isReady() {
        return isAlive && own !== undefined
      },
      get isAlone() {
        if (isWaiting) return true
        return cgroup === undefined || own === undefined ? undefined : processesOf(cgroup).every((pid) => own!.has(pid))
      },
      getReady() {
        if (isWaiting || !isAlive) return
        isWaiting = true
        child.stdin.write('\n')
      },
      run(jobId) {
        isWaiting = false
        if (own === undefined) early = jobId
        else child.stdin.write(`${jobId}\n`)
      },
      end() {
        isAlive = false
        child.stdin.end()
      },
    }
    child.stdout.once('data', () => {
      child.stdout.destroy()
      own = new Set(cgroup === undefined ? [] : processesOf(cgroup))
      if (early === undefined) helper.getReady()
      else helper.run(early)
    })
    const gone = () => {
      isAlive = false
      all.delete(helper)
      if (cgroup !== undefined) removeCgroup(cgroup)
    }
    child.stdin.on('error', () => {})
    child.stdout.on('error', () => {})
    child.once('error', (error) => {
      gone()
      where.log.error('The start helper cannot be run.', { error: error.message })
    })
    child.once('exit', () => {
      if (isAlive) where.log.warn('A start helper has ended; the next job starts a new one.')
      gone()
    })
    child.unref()
    for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref(): void }).unref()
    all.add(helper)
    return helper
  }

  return {
    in: start,
    stop() {
      for (const helper of all) helper.end()
    },
  }
}
