// Whether somebody may decide an approval now, and if not, why. Pure: the caller brings the grants that count.
import { can, type ProjectScope } from '@ansflow/proto/access'
import { namesPerson } from '@ansflow/proto/approval'
import { AppError, forbidden, precondition } from '@ansflow/proto/errors'
import { ApprovalRefusal, ApprovalStatus } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { approverText } from '@ansflow/proto/texts/template'
import type { Caller } from '../../transport/call.ts'
import type { StoredApproval } from './approval-tables.ts'

export type Person = Extract<Caller, { kind: 'user' }>

export function scopeOf({ row }: Pick<StoredApproval, 'row'>): ProjectScope {
  return { organizationId: row.organization_id, projectId: row.project_id }
}

export function refusalOf(approval: StoredApproval, person: Person): ApprovalRefusal {
  const { row, ask, decisions } = approval
  const scope = scopeOf(approval)
  if (row.status !== ApprovalStatus.WAITING) return ApprovalRefusal.CLOSED
  if (decisions.some(({ user_id }) => user_id === person.userId)) return ApprovalRefusal.ALREADY_DECIDED
  if (!namesPerson(ask.approvers, person, scope)) return ApprovalRefusal.NOT_APPROVER
  if (!ask.selfApproval && row.requested_by !== '' && row.requested_by === person.userId) return ApprovalRefusal.OWN_RUN
  return can(person, 'approval.decide', scope) ? ApprovalRefusal.UNSPECIFIED : ApprovalRefusal.PERMISSION
}

/** The error of a call that is refused so. */
export function refused(refusal: ApprovalRefusal, { ask, row }: StoredApproval): AppError {
  switch (refusal) {
    case ApprovalRefusal.NOT_APPROVER: {
      const approvers = ask.approvers.map((each) => approverText(each, 'en')).join(', ')
      return new AppError('permission_denied', `This is for others to decide: ${approvers}.`, {
        reason: 'not_approver',
        params: { approvers: ask.approvers.join(', ') },
      })
    }
    case ApprovalRefusal.OWN_RUN:
      return new AppError('permission_denied', 'You started this run: somebody else has to decide.', {
        reason: 'own_run',
      })
    case ApprovalRefusal.ALREADY_DECIDED:
      return precondition('already_decided', 'You have decided already.')
    case ApprovalRefusal.CLOSED:
      return precondition('approval_closed', `It does not wait any more: ${closings[row.status] ?? 'it has ended'}.`)
    default:
      return forbidden('approval.decide')
  }
}

const closings: Record<number, string> = {
  [ApprovalStatus.WAITING]: 'it has expired',
  [ApprovalStatus.APPROVED]: 'it was approved',
  [ApprovalStatus.REJECTED]: 'it was rejected',
  [ApprovalStatus.WITHDRAWN]: 'it was withdrawn',
}
