// Owns a fake controller with a real agent connected to it, and the folder that both are thrown away with.
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { acceptedIn } from '../src/job/job-notes.ts'
import { type AgentProcess, startAgent, temporaryFolder, waitFor } from './agent-process.ts'
import { type FakeController, type FakeJob, startFakeController } from './fake-controller.ts'

export interface Bench extends AsyncDisposable {
  controller: FakeController
  data: string
  agent: AgentProcess
  startAgain(): void
  /** The same, and waits until it is connected. */
  restart(): Promise<void>
}

export async function startBench(
  env: Record<string, string> = {},
  within: string[] = [],
  entry?: string,
): Promise<Bench> {
  const data = temporaryFolder()
  // The tools of the host are known: looking for them at each start would take longer than most tests.
  writeFileSync(join(data.path, 'tools.json'), JSON.stringify({ git: '1.2.3' }))
  const controller = await startFakeController()
  const start = () => {
    const fixed = { ANSFLOW_AGENT_URL: controller.address, ANSFLOW_AGENT_TOKEN: 'good-token', ANSFLOW_AGENT_SLOTS: '4' }
    return startAgent(['run', '--data', data.path], { ...fixed, ...env }, within, entry)
  }
  const bench: Bench = {
    controller,
    data: data.path,
    agent: start(),
    startAgain() {
      bench.agent = start()
    },
    async restart() {
      const before = controller.hellos.length
      bench.startAgain()
      await waitFor('the agent is back', () => controller.hellos.length > before)
    },
    async [Symbol.asyncDispose]() {
      await bench.agent[Symbol.asyncDispose]()
      await controller.close()
      for (const id of readdirSync(join(data.path, 'jobs'))) {
        const temp = tempOf(join(data.path, 'jobs', id))
        if (temp !== undefined) rmSync(temp, { recursive: true, force: true })
      }
      data[Symbol.dispose]()
    },
  }
  await waitFor('hello', () => controller.hellos.length > 0).catch((error) => {
    throw new Error(`${error.message}\n${bench.agent.output()}`)
  })
  return bench
}

/**
 * Job ids are unique over the host, as they are in life: what carries the id of a job that has ended is ended too, and other
 * tests may run at the same time.
 */
const here = randomBytes(6).toString('hex')
export const jobIdOf = (name: string | number): string => `job-${here}-${name}`

export const sh = (script: string, more: object = {}) => ({
  execution: { case: 'shell' as const, value: { shell: 'sh', script } },
  ...more,
})

/** Its end, once its log is complete too. */
export async function done(job: FakeJob, ms?: number) {
  const finished = await waitFor(`job ${job.ref.jobId} has finished`, () => job.finished[0], ms).catch((error) => {
    throw new Error(
      `${error.message}; accepted ${job.accepted.length} times, refused: ${job.rejected.join(', ') || 'never'}`,
    )
  })
  await waitFor(`the log of ${job.ref.jobId} is complete`, () => job.logComplete, ms)
  expect(finished.logSize).toBe(BigInt(job.log.length))
  return finished
}

/** Processes of this host that carry a job's marker. */
export function alive(jobId: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`).includes(`ANSFLOW_JOB_ID=${jobId}.`)
      } catch {
        return false
      }
    })
}

/** Where a job's temporary folder is; undefined: the folder is no job's. */
export function tempOf(jobFolder: string): string | undefined {
  const file = join(jobFolder, 'job')
  const accepted = statSync(file, { throwIfNoEntry: false })?.isFile() ? acceptedIn(readFileSync(file, 'utf8')) : ''
  return accepted === '' ? undefined : (JSON.parse(accepted) as { temp: string }).temp
}
