// The approvals of a draft that nobody could give, or too few: they would wait without end.
import { problemOf } from '@ansflow/proto/validate'
import type { PipelineParticipant } from '../pipelines/index.ts'
import { candidatesOf } from './candidates.ts'
import { unanswerable } from './who-could.ts'

export const lackingPeople: NonNullable<PipelineParticipant['lacking']> = async (em, draft) => {
  const { organizationId, projectId, demands, by, now } = draft
  const { approvals, startsItself } = demands
  if (approvals.length === 0) return []
  const scope = { organizationId, projectId }
  const people = await candidatesOf(em, scope, now)
  if (!people) return []
  return approvals.flatMap((approval) =>
    unanswerable(approval, people, scope, { startsItself, reader: by.userId }).map((said) =>
      problemOf({ stepId: approval.stepId, field: 'with.approvers', said, warning: true }),
    ),
  )
}
