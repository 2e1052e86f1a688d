// What the attempts of a run have told people of files: errors first.
import type { AnnotationLevel } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import type { Db } from '../../platform/db.ts'
import type { ReportTables } from './report-tables.ts'

export interface RunAnnotation {
  level: AnnotationLevel
  file: string
  /** 0: the whole file. */
  line: number
  endLine: number
  title: string
  message: string
}

/** Without those that name no file; always in the same order. */
export async function runAnnotations(db: Db, runId: string, most: number): Promise<RunAnnotation[]> {
  const rows = await db
    .kysely<ReportTables>()
    .selectFrom('annotation')
    .select(['level', 'file', 'line', 'end_line', 'title', 'message'])
    .where('run_id', '=', runId)
    .where('file', '!=', '')
    .orderBy('urgency')
    .orderBy('job_id')
    .orderBy('place')
    .limit(most)
    .execute()
  return rows.map(({ end_line, ...row }) => ({ ...row, endLine: end_line }))
}
