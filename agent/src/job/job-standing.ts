// Owns finding out from its folder where a job stands that an agent before this one had.
import type { Finished } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { Intent, JobFolder, Progress } from './journal.ts'
import { type Ending, endingOf, lost } from './outcome.ts'

export type Standing =
  | { is: 'finished'; result: Finished }
  /** It never ran and never will. */
  | { is: 'over'; ending: Ending }
  | { is: 'accepted' }
  | { is: 'running' }
  /** Only its clean up, and to tell its end. */
  | { is: 'ending'; ending: Ending }
  /** It ran when the host was restarted. */
  | { is: 'lost'; ending: Ending }

export function standingOf(folder: JobFolder, intent: Intent | undefined, progress: Progress | undefined): Standing {
  const { result, claimedBy, sameBoot } = folder
  if (result) return { is: 'finished', result }
  if (progress?.phase === 'cleanUp') return { is: 'ending', ending: progress.ending ?? lost('it was given up') }
  const restarted = lost('the host was restarted')
  if (claimedBy === 'main') return sameBoot ? { is: 'running' } : { is: 'lost', ending: restarted }
  if (claimedBy === 'agent') {
    const began = lost('the agent was restarted while it started it')
    return { is: 'over', ending: intent ? endingOf(undefined, intent, 0) : began }
  }
  // Accepted, never started. After a restart of the host that is not certain: "started" is not synced to the disk.
  if (!sameBoot) return { is: 'over', ending: restarted }
  return intent ? { is: 'over', ending: endingOf(undefined, intent, 0) } : { is: 'accepted' }
}
