// What runs ask of people: who is asked, who may decide, and who has.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { sql } from 'kysely'
import { feature } from '../../feature.ts'
import { deleteRows } from '../../platform/delete-rows.ts'
import { runsFeature } from '../runs/index.ts'
import { ApprovalDecisionEntity, ApprovalEntity } from './approval.entity.ts'
import { approvalParticipant } from './approval-participant.ts'
import { type ApprovalTables, approvalsIn } from './approval-tables.ts'
import { approvalTopic } from './approval-topic.ts'
import { approvalsApi } from './approvals.api.ts'
import { lackingPeople } from './lacking-people.ts'

export const approvalsFeature = feature({
  name: 'approvals',
  entities: [ApprovalEntity, ApprovalDecisionEntity],
  open({ db, bus, clock, log }, from) {
    const { driver, approvals } = from(runsFeature)
    approvals.fill((runIds) => approvalsIn(db, runIds))
    const { topic, stop } = approvalTopic({ db, bus, clock, log })
    return {
      services: [approvalsApi({ db, clock, driver })],
      topics: [topic],
      pipelineParticipants: [{ name: 'approvals', lacking: lackingPeople }],
      participants: [approvalParticipant(db)],
      scopes: {
        async [Resource.APPROVAL](em, id) {
          const row = await db
            .kysely<ApprovalTables>(em)
            .selectFrom('approval')
            .select(['organization_id as organizationId', 'project_id as projectId'])
            .where('id', '=', id)
            .executeTakeFirst()
          return row && { organizationId: row.organizationId, projectId: row.projectId }
        },
      },
      deletions: [
        async (em, projectId) => {
          const tables = em.getKysely<ApprovalTables>()
          const ofIt = sql`project_id = ${projectId}`
          for (const table of ['approval_decision', 'approval'] as const) await deleteRows(tables, table, ofIt)
        },
      ],
      stop,
    }
  },
})
