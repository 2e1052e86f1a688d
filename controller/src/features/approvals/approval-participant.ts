// Writes what a run asks of people, and what became of it, in the run's own transaction: a decision counts exactly when its row is there.
import type { ApprovalChange } from '@ansflow/engine/approval'
import { gitFacts } from '@ansflow/engine/git-facts'
import { ApprovalStatus } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { StepStatus } from '@ansflow/proto/status'
import { personBehind, starterOf } from '@ansflow/proto/triggers/run-origin'
import type { Kysely } from 'kysely'
import type { Db } from '../../platform/db.ts'
import type { RunChange, RunParticipant } from '../runs/index.ts'
import type { ApprovalTables } from './approval-tables.ts'

export function approvalParticipant(db: Db): RunParticipant {
  return {
    name: 'approvals',
    wants: ({ approvals }) => approvals.length > 0,
    async write(to, changes, now) {
      const tables = to.kysely<ApprovalTables>()
      for (const change of changes) {
        for (const approval of change.approvals)
          await writers[approval.type](tables, db, change, approval as never, now)
      }
    },
  }
}

type Writer<T extends ApprovalChange['type']> = (
  tables: Kysely<ApprovalTables>,
  db: Db,
  change: RunChange,
  approval: Extract<ApprovalChange, { type: T }>,
  now: Date,
) => Promise<void>

const asked: Writer<'asked'> = async (tables, db, { run, belongs }, { step, approvalId, ask, until }, now) => {
  const { meta } = run
  const { userId, name } = personBehind(meta.origin) ?? starterOf(meta.origin)
  const { pullRequest, ...git } = gitFacts(run)
  const row: ApprovalTables['approval'] = {
    id: approvalId,
    organization_id: belongs.organizationId,
    project_id: meta.projectId,
    project_slug: meta.projectSlug,
    pipeline_id: meta.pipelineId,
    pipeline_name: meta.pipelineName,
    run_id: meta.runId,
    run_number: meta.number,
    step_id: step.id,
    step_name: Array.from(step.name).slice(0, 255).join(''),
    requested_by: userId,
    requested_by_name: name,
    ask: JSON.stringify(ask),
    git: JSON.stringify({ ...git, ...(pullRequest && { pullRequest: Number(pullRequest) }) }),
    status: ApprovalStatus.WAITING,
    expired: 0,
    reason: JSON.stringify(step.reason),
    version: 1,
    created_at: db.toColumn(now),
    expires_at: until && db.toColumn(until),
    closed_at: null,
  }
  await tables.insertInto('approval').values(row).execute()
}

const decided: Writer<'decided'> = async (tables, db, { run }, { step, approvalId, vote, place }, now) => {
  const row: ApprovalTables['approval_decision'] = {
    approval_id: approvalId,
    user_id: vote.by,
    project_id: run.meta.projectId,
    place,
    user_name: vote.byName,
    approve: Number(vote.approve),
    comment: vote.comment,
    answers: JSON.stringify(vote.answers),
    decided_at: db.toColumn(now),
  }
  await tables.insertInto('approval_decision').values(row).execute()
  await tables
    .updateTable('approval')
    .set(({ eb }) => ({ version: eb('version', '+', 1), reason: JSON.stringify(step.reason) }))
    .where('id', '=', approvalId)
    .execute()
}

const closed: Writer<'closed'> = async (tables, db, _run, { step, approvalId }, now) => {
  const { code } = step.reason ?? {}
  const expired = code === 'approval_expired'
  const status =
    step.status === StepStatus.SUCCEEDED
      ? ApprovalStatus.APPROVED
      : expired || code === 'approval_rejected'
        ? ApprovalStatus.REJECTED
        : ApprovalStatus.WITHDRAWN
  await tables
    .updateTable('approval')
    .set(({ eb }) => ({
      status,
      expired: Number(expired),
      reason: step.reason && JSON.stringify(step.reason),
      version: eb('version', '+', 1),
      closed_at: db.toColumn(now),
    }))
    .where('id', '=', approvalId)
    .execute()
}

const writers: { [T in ApprovalChange['type']]: Writer<T> } = { asked, decided, closed }
