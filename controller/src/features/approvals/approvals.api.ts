// ApprovalService.
import { answerTexts, fieldDefinitions, longestComment } from '@ansflow/proto/approval'
import { invalid, invalidField, notFound } from '@ansflow/proto/errors'
import {
  type Approval,
  ApprovalDecision,
  ApprovalRefusal,
  ApprovalService,
  type DecideRequest,
} from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { resolveInputs } from '@ansflow/proto/inputs'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { type CallContext, personOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import type { RunDriver } from '../runs/index.ts'
import { findApproval, presentApproval, type StoredApproval } from './approval-tables.ts'
import { listApprovals } from './list-approvals.ts'
import { stuckAmong } from './stuck.ts'
import { refusalOf, refused } from './who-decides.ts'

export interface ApprovalsDeps {
  db: Db
  clock: Clock
  driver: Pick<RunDriver, 'submit'>
}

export function approvalsApi({ db, clock, driver }: ApprovalsDeps): ServiceTable {
  async function find(ctx: CallContext, approvalId: string): Promise<StoredApproval> {
    const stored = await findApproval(db, ctx.em, approvalId)
    if (!stored) throw notFound('approval', approvalId)
    return stored
  }

  async function present(ctx: CallContext, stored: StoredApproval): Promise<Approval> {
    const stuck = await stuckAmong(ctx, [stored], clock.now())
    return presentApproval(db, stored, refusalOf(stored, personOf(ctx)), stuck.get(stored.row.id))
  }

  return serviceTable(ApprovalService, {
    listApprovals: (request, ctx) => listApprovals({ db, clock }, ctx, request),

    async getApproval({ approvalId }, ctx) {
      return { approval: await present(ctx, await find(ctx, approvalId)) }
    },

    async decide(request, ctx) {
      const person = personOf(ctx)
      const { approvalId } = request
      const stored = await find(ctx, approvalId)
      const approve = readDecision(request)
      if (hasDecided(stored, person.userId, approve)) return { approval: await present(ctx, stored) }
      const refusal = refusalOf(stored, person)
      if (refusal !== ApprovalRefusal.UNSPECIFIED) throw refused(refusal, stored)
      const { row } = stored
      const vote = {
        by: person.userId,
        byName: person.name,
        approve,
        comment: readComment(request),
        answers: approve ? readAnswers(request, stored) : {},
      }
      const decision = approve ? 'approved' : 'rejected'
      const name = `${row.pipeline_name} #${row.run_number} ${row.step_name}`
      await driver.submit(
        row.run_id,
        { type: 'approvalDecided', stepId: row.step_id, approvalId, vote },
        {
          act: ctx.act,
          after: { decision, comment: vote.comment, answers: vote.answers, runId: row.run_id },
          resource: { kind: 'approval', id: approvalId, name },
        },
      )
      const now = await find(ctx, approvalId)
      // Others were quicker, or the time has run out.
      if (!hasDecided(now, person.userId, approve)) {
        const why = refusalOf(now, person)
        throw refused(why === ApprovalRefusal.UNSPECIFIED ? ApprovalRefusal.CLOSED : why, now)
      }
      return { approval: await present(ctx, now) }
    },
  })
}

function hasDecided({ decisions }: StoredApproval, userId: string, approve: boolean): boolean {
  return decisions.some((decision) => decision.user_id === userId && Boolean(decision.approve) === approve)
}

function readDecision({ decision }: DecideRequest): boolean {
  if (decision === ApprovalDecision.UNSPECIFIED) throw invalidField('decision', 'must be APPROVE or REJECT')
  return decision === ApprovalDecision.APPROVE
}

function readComment({ comment }: DecideRequest): string {
  if (Array.from(comment).length > longestComment) {
    throw invalidField('comment', `must have at most ${longestComment} characters`)
  }
  return comment
}

function readAnswers({ fields }: DecideRequest, { ask }: StoredApproval): Record<string, string> {
  const { values, violations } = resolveInputs(fieldDefinitions(ask.fields), fields ?? {}, 'fields')
  if (violations.length > 0) throw invalid(violations)
  return answerTexts(values)
}
