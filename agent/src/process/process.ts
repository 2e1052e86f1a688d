// Owns starting jobs and giving the disk blocks of their output back, as the agent asks for it.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Log } from '../log.ts'
import { createHelpers, type Helper } from './start-helper.ts'
import { PUNCHER } from './wrapper.ts'

export interface Launcher {
  /** What runs the jobs that this folder becomes. */
  helperIn(folder: string): Helper
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
    helperIn: (folder) => helpers.in(folder),
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
