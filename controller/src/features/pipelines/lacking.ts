// What drafts ask of what is around them and is not there: each feature says it of what it keeps.
import type { Demands } from '@ansflow/proto/demands'
import { type Problem, ProblemSchema, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import { type CallContext, organizationOf, personOf } from '../../transport/call.ts'
import { isAllowed } from '../access/index.ts'
import type { AskingDraft, PipelineParticipant } from './participant.ts'

export type Lacking = (demands: Demands) => Promise<Problem[]>

interface Asked {
  participants: readonly PipelineParticipant[]
  em: EntityManager
  draft: Omit<AskingDraft, 'demands'>
}

export function askedBy(
  { caller, ...ctx }: CallContext,
  { projectId, now }: { projectId: string; now: Date },
): Asked['draft'] {
  return {
    organizationId: organizationOf({ caller, ...ctx }),
    projectId,
    may: (permission, scope) => isAllowed(caller, permission, scope),
    by: personOf({ caller, ...ctx }),
    now,
  }
}

export function lackingOf({ participants, em, draft }: Asked): Lacking {
  return async (demands) => {
    const problems: Problem[] = []
    for (const each of participants) problems.push(...((await each.lacking?.(em, { ...draft, demands })) ?? []))
    return problems
  }
}

/** A draft may say already what cannot be published yet. */
export function asWarnings(problems: readonly Problem[]): Problem[] {
  return problems.map((each) => create(ProblemSchema, { ...each, severity: Severity.WARNING }))
}
