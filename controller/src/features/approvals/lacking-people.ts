// The approvals of a draft that nobody could give, or too few: they would wait without end. Told to who may read who is a member.
import { problemOf } from '@ansflow/proto/validate'
import type { PipelineParticipant } from '../pipelines/index.ts'
import { candidatesOf } from './candidates.ts'
import { unanswerable } from './who-could.ts'

export const lackingPeople: NonNullable<PipelineParticipant['lacking']> = async (em, draft) => {
  const { organizationId, projectId, demands, may, by, now } = draft
  const { approvals, startsItself } = demands
  const scope = { organizationId, projectId }
  if (approvals.length === 0 || !may('member.read', scope)) return []
  const people = await candidatesOf(em, scope, now)
  if (!people) return []
  return approvals.flatMap((approval) =>
    unanswerable(approval, people, scope, { startsItself, reader: by.userId }).map((said) =>
      problemOf({ stepId: approval.stepId, field: 'with.approvers', said, warning: true }),
    ),
  )
}
