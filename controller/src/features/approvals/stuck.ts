// Why approvals that wait cannot be given now, for whoever looks at one, or at a run.

import { ApprovalStatus } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { problemOf } from '@ansflow/proto/validate'
import type { CallContext } from '../../transport/call.ts'
import { isAllowed } from '../access/index.ts'
import type { StoredApproval } from './approval-tables.ts'
import { candidatesOf } from './candidates.ts'
import { type Candidate, stuckSaid } from './who-could.ts'
import { scopeOf } from './who-decides.ts'

/** By the approvals' ids. They are of one project. Nothing for who may not read who is a member there. */
export async function stuckAmong(
  { em, caller }: CallContext,
  approvals: readonly StoredApproval[],
  now: Date,
): Promise<Map<string, Problem>> {
  const waiting = approvals.filter(({ row }) => row.status === ApprovalStatus.WAITING)
  const [first] = waiting
  if (!first || !isAllowed(caller, 'member.read', scopeOf(first))) return new Map()
  const people = await candidatesOf(em, scopeOf(first), now)
  if (!people) return new Map()
  return new Map(
    waiting.flatMap((approval) => {
      const problem = stuckOf(approval, people)
      return problem ? [[approval.row.id, problem] as const] : []
    }),
  )
}

function stuckOf(approval: StoredApproval, people: readonly Candidate[]): Problem | undefined {
  const { row, ask, decisions } = approval
  const starter = ask.selfApproval
    ? { userId: '', name: '' }
    : { userId: row.requested_by, name: row.requested_by_name }
  const said = stuckSaid(
    {
      approvers: ask.approvers,
      missing: ask.required - decisions.filter(({ approve }) => Boolean(approve)).length,
      decided: decisions.map(({ user_id }) => user_id),
      starter,
    },
    people,
    scopeOf(approval),
  )
  return said && problemOf({ said, stepId: row.step_id, warning: true })
}
