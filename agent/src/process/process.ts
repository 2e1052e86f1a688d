// Owns starting jobs and giving the disk blocks of their output back, as the agent asks for it.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Log } from '../log.ts'
import { createHelpers } from './start-helper.ts'
import { PUNCHER } from './wrapper.ts'

export interface Launcher {
  /** The control group that the job's processes will be in; asked before it is started. */
  place(jobId: string): string | undefined
  /** Starts the job whose folder is prepared. Asking again is harmless. */
  start(jobId: string): void
  /** Its process has ended; what it left running is ended by others. `onFree`: its control group is another's from now on. */
  ended(jobId: string, onFree: () => void): void
  /** Gives the disk blocks of the first `bytes` of a job's raw output back, where the file system can. */
  punch(jobId: string, bytes: number): void
  stop(): void
}

export function createLauncher(jobsPath: string, stepPath: string, log: Log): Launcher {
  // What a step finds is its own matter; what its start needs is there on every host.
  const path = `${stepPath}:/usr/bin:/bin`
  const helpers = createHelpers({ jobsPath, path, log })
  let puncher: ChildProcess | 'none' | undefined
  return {
    place: (jobId) => helpers.of(jobId).cgroup,
    start: (jobId) => helpers.of(jobId).run(jobId),
    ended: (jobId, onFree) => helpers.release(jobId, onFree),
    punch(jobId, bytes) {
      if (!puncher) {
        const child = spawn('/bin/sh', ['-c', PUNCHER, 'ansflow-puncher', jobsPath], {
          env: { PATH: path },
          detached: true,
          stdio: ['pipe', 'ignore', 'ignore'],
        })
        puncher = child
        for (const ends of ['exit', 'error']) child.once(ends, () => (puncher = 'none'))
        child.stdin.on('error', () => {})
        child.unref()
        ;(child.stdin as unknown as { unref(): void }).unref()
      }
      if (puncher !== 'none') puncher.stdin?.write(`${jobId} ${bytes}\n`)
    },
    stop() {
      helpers.stop()
      if (puncher && puncher !== 'none') puncher.stdin?.end()
    },
  }
}
