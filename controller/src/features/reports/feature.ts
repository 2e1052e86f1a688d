// What the steps of a run tell people besides their results: annotations, summaries, tests and coverage.
import { sql } from 'kysely'
import { feature } from '../../feature.ts'
import { deleteRows } from '../../platform/delete-rows.ts'
import { jobsOf } from '../runs/index.ts'
import { AnnotationEntity, SummaryEntity, TestBlockEntity, TestReportEntity } from './report.entity.ts'
import { reportParticipant } from './report-participant.ts'
import type { ReportTables } from './report-tables.ts'
import { reportsApi } from './reports.api.ts'

export const reportsFeature = feature({
  name: 'reports',
  entities: [AnnotationEntity, SummaryEntity, TestReportEntity, TestBlockEntity],
  open({ db }) {
    return {
      services: [reportsApi(db)],
      participants: [reportParticipant],
      deletions: [
        async (em, projectId) => {
          const tables = em.getKysely<ReportTables>()
          for await (const jobs of jobsOf(em, projectId))
            for (const table of ['annotation', 'summary', 'test_report', 'test_block'] as const)
              await deleteRows(tables, table, sql`job_id in ${jobs}`)
        },
      ],
    }
  },
})
