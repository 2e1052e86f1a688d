// What a run that is only foreseen would have to wait for if it began now, told in its answer.
import { aheadReason, type LockWant } from '@ansflow/engine/locks'
import type { ExplainRunResponse } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { ReasonSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { reasonText } from '@ansflow/proto/reasons'
import { create } from '@bufbuild/protobuf'
import type { Db, EntityManager } from '../../platform/db.ts'
import { aheadNow } from '../locks/index.ts'

export interface Wanted {
  group: LockWant | undefined
  /** Those of the group that wait would make room for it. */
  makesRoom: boolean
  /** By the id of the step. */
  locks: readonly { stepId: string; wants: LockWant[] }[]
}

/** One after the other is asked for; a step with a thousand copies would ask a thousand times. */
const mostAsked = 50

export async function tellWaits(
  { db, em, projectId }: { db: Db; em: EntityManager; projectId: string },
  answer: ExplainRunResponse,
  { group, makesRoom, locks }: Wanted,
): Promise<void> {
  if (group) Object.assign(answer, await waitFor([group], makesRoom))
  const steps = new Map(answer.steps.map((step) => [step.id, step]))
  for (const { stepId, wants } of locks.slice(0, mostAsked)) {
    const step = steps.get(stepId)
    const told = step && (await waitFor(wants, false))
    if (!step || !told) continue
    const whole = steps.get(step.copyOf)
    for (const each of whole ? [step, whole] : [step]) Object.assign(each, told)
  }

  async function waitFor(wants: readonly LockWant[], supersedes: boolean) {
    const found = await aheadNow(db, em, { projectId, wants, supersedes })
    const why = found && aheadReason(found.want, found.ahead)
    return why && { wait: reasonText(why), waitInfo: create(ReasonSchema, why) }
  }
}
