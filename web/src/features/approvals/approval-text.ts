// What is said of an approval beside its own words.
import { type Approval, ApprovalDecision, ApprovalStatus } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { problemText } from '@ansflow/proto/problem-text'
import { approverText } from '@ansflow/proto/texts/template'
import { currentLanguage, i18n } from '../../i18n.ts'
import { formatRough, toMs } from '../../ui/format.ts'
import type { StatusName } from '../../ui/status/status.ts'

const statuses: Record<number, { look: StatusName; key: string }> = {
  [ApprovalStatus.WAITING]: { look: 'waiting', key: 'waiting' },
  [ApprovalStatus.APPROVED]: { look: 'succeeded', key: 'approved' },
  [ApprovalStatus.REJECTED]: { look: 'failed', key: 'rejected' },
  [ApprovalStatus.WITHDRAWN]: { look: 'canceled', key: 'withdrawn' },
}

/** Why nobody may decide it now; empty where enough may. */
export function stuckText({ stuck }: Approval): string {
  return stuck ? problemText(stuck, currentLanguage()) : ''
}

export function statusOf({ status }: Approval): { look: StatusName; key: string } {
  return statuses[status] ?? statuses[ApprovalStatus.WITHDRAWN]!
}

/** How long it still waits; undefined: for ever, or not any more. */
export function timeLeft({ status, expiresAt }: Approval, now: number): string | undefined {
  const end = toMs(expiresAt)
  if (end === undefined || status !== ApprovalStatus.WAITING) return undefined
  return formatRough(Math.max(0, end - now), currentLanguage())
}

export function approversText({ approvers }: Approval): string {
  const separator = i18n.global.t('ui.listSeparator')
  return approvers.map((each) => approverText(each, currentLanguage())).join(separator)
}

export function approvedCount({ decisions }: Approval): number {
  return decisions.filter(({ decision }) => decision === ApprovalDecision.APPROVE).length
}
