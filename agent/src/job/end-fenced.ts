// Owns ending the jobs that another agent may repeat, without the agent: it is gone, or frozen.
import { join } from 'node:path'
import { hasPassed } from '../process/fence.ts'
import { mainOf } from '../steps/index.ts'
import { JobFolder } from './journal.ts'

/** What the fence's watchdog runs when the deadline has passed. */
export async function endFencedJobs(dataPath: string): Promise<void> {
  // The agent may have heard of the controller in the meantime.
  if (!hasPassed(dataPath)) return
  const folder = join(dataPath, 'jobs')
  const jobs = JobFolder.readAll({ jobs: folder, steps: folder }).filter(
    ({ spec, sameBoot }) => spec.selfFence && sameBoot,
  )
  const ended = jobs.map(async (folder) => {
    const main = mainOf(folder)
    // Of one that the watchdog has killed, processes may be left that have left its session.
    if (!main || folder.result || (main.ended() && folder.intent?.kind !== 'fenced')) return
    // Also told to an agent that comes to itself, which sees no more than that the step was killed.
    folder.intent ??= { kind: 'fenced', graceMs: 0 }
    await main.kill(0, new AbortController().signal)
  })
  await Promise.all(ended)
}
