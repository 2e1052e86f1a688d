// The tables of approvals as statements see them, and the contract's messages made from their rows.
import { type ApprovalAsk, fieldDefinitions } from '@ansflow/proto/approval'
import {
  type Approval,
  ApprovalDecision,
  type ApprovalRefusal,
  ApprovalSchema,
  ApprovalStatus,
  ApprovalVoteSchema,
} from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { GitFactsSchema, ReasonSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { type Reason, reasonText } from '@ansflow/proto/reasons'
import { create, fromJsonString } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Db, EntityManager } from '../../platform/db.ts'

type Time = number | string

export interface ApprovalRow {
  id: string
  organization_id: string
  project_id: string
  project_slug: string
  pipeline_id: string
  pipeline_name: string
  run_id: string
  run_number: number
  step_id: string
  step_name: string
  requested_by: string
  requested_by_name: string
  ask: string
  git: string
  status: number
  expired: number
  reason: string | null
  version: number
  created_at: Time
  expires_at: Time | null
  closed_at: Time | null
}

export interface DecisionRow {
  approval_id: string
  user_id: string
  project_id: string
  place: number
  user_name: string
  approve: number
  comment: string
  answers: string
  decided_at: Time
}

export interface ApprovalTables {
  approval: ApprovalRow
  approval_decision: DecisionRow
}

/** An approval with what was decided so far, oldest first. */
export interface StoredApproval {
  row: ApprovalRow
  ask: ApprovalAsk
  decisions: DecisionRow[]
}

export async function withDecisions(db: Db, em: EntityManager, rows: ApprovalRow[]): Promise<StoredApproval[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const found = await db
    .kysely<ApprovalTables>(em)
    .selectFrom('approval_decision')
    .selectAll()
    .where('approval_id', 'in', ids)
    .orderBy('place')
    .execute()
  const byApproval = Map.groupBy(found, ({ approval_id }) => approval_id)
  return rows.map((row) => ({
    row,
    ask: JSON.parse(row.ask) as ApprovalAsk,
    decisions: byApproval.get(row.id) ?? [],
  }))
}

export async function findApproval(db: Db, em: EntityManager, id: string): Promise<StoredApproval | undefined> {
  const rows = await db.kysely<ApprovalTables>(em).selectFrom('approval').selectAll().where('id', '=', id).execute()
  return (await withDecisions(db, em, rows))[0]
}

export function presentApproval(
  db: Db,
  { row, ask, decisions }: StoredApproval,
  refusal: ApprovalRefusal,
  stuck?: Problem,
): Approval {
  const reason = row.reason === null ? undefined : (JSON.parse(row.reason) as Reason)
  const at = (time: Time) => timestampFromDate(db.fromColumn(time))
  return create(ApprovalSchema, {
    id: row.id,
    status: row.status,
    expired: Boolean(row.expired),
    organizationId: row.organization_id,
    projectId: row.project_id,
    projectSlug: row.project_slug,
    pipelineId: row.pipeline_id,
    pipelineName: row.pipeline_name,
    runId: row.run_id,
    runNumber: row.run_number,
    stepId: row.step_id,
    stepName: row.step_name,
    message: ask.message,
    approvers: ask.approvers,
    required: ask.required,
    selfApproval: ask.selfApproval,
    fields: fieldDefinitions(ask.fields),
    createdAt: at(row.created_at),
    ...(row.expires_at !== null && { expiresAt: at(row.expires_at) }),
    onExpiry: ask.onExpiry === 'approve' ? ApprovalStatus.APPROVED : ApprovalStatus.REJECTED,
    ...(row.closed_at !== null && { closedAt: at(row.closed_at) }),
    requestedBy: row.requested_by,
    requestedByName: row.requested_by_name,
    decisions: decisions.map((decision) =>
      create(ApprovalVoteSchema, {
        userId: decision.user_id,
        userName: decision.user_name,
        decision: decision.approve ? ApprovalDecision.APPROVE : ApprovalDecision.REJECT,
        comment: decision.comment,
        answers: JSON.parse(decision.answers) as Record<string, string>,
        at: at(decision.decided_at),
      }),
    ),
    ...(reason && { reason: reasonText(reason), reasonInfo: create(ReasonSchema, reason) }),
    git: fromJsonString(GitFactsSchema, row.git, { ignoreUnknownFields: true }),
    refusal,
    ...(stuck && { stuck }),
  })
}

/** Who has approved what in these runs. */
export async function approvalsIn(db: Db, runIds: readonly string[]) {
  return db
    .kysely<ApprovalTables>()
    .selectFrom('approval')
    .innerJoin('approval_decision as decision', 'decision.approval_id', 'approval.id')
    .select(['approval.run_id as runId', 'approval.step_id as stepId', 'decision.user_id as userId'])
    .where('approval.run_id', 'in', runIds)
    .where('decision.approve', '=', 1)
    .execute()
}
