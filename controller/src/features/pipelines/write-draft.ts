// A file comes into a draft beside what others have typed since it was made of that. Asked in the statement that stores it: two who bring
// the same at once would leave each new step twice.
import type { Workers } from '../../platform/workers.ts'
import type { StoredDraft } from './draft-store.ts'
import { draftTasks } from './draft-task-file.ts'
import type { Drafts } from './drafts.ts'
import type { ReadIncludes } from './includes/resolve-includes.ts'

/** Of people who type all the time. */
const mostTries = 20

interface Written {
  yaml: string
  /** The draft that the file was made of. */
  was: StoredDraft
  includes: ReadIncludes | undefined
  /** Of what the file and those who typed since have both changed. */
  prefers: 'draft' | 'file'
}

/**
 * `holds`: the draft says all of the file beside what was typed; `changed`: it has been written to, and it may also have been where it
 * does not hold the file: the rest of that contradicts what was typed, or people typed all the time. Throws `not_found`.
 */
export async function writeDraft(
  { drafts, workers }: { drafts: Drafts; workers: Workers },
  pipelineId: string,
  { yaml, was, includes, prefers }: Written,
  by: string,
): Promise<{ holds: boolean; changed: boolean }> {
  let now = was
  for (let tries = 0; tries < mostTries; tries++) {
    const asked = { yaml, was: was.updates, now: now.updates, isSame: now.seq === was.seq, includes, prefers }
    const { change, holds } = await workers.run(draftTasks, 'applyFile', asked, by)
    if (!change) return { holds, changed: false }
    if (await drafts.append(pipelineId, now.seq, change)) return { holds, changed: true }
    now = await drafts.stored(pipelineId)
  }
  return { holds: false, changed: false }
}
