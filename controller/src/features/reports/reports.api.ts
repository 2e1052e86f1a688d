// ReportService.
import { ReportService } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import type { Db } from '../../platform/db.ts'
import { cutPage, pageSize, readCursor, wholeOf } from '../../platform/page.ts'
import { type ServiceTable, serviceTable } from '../../transport/call.ts'
import { linesAt } from '../logs/index.ts'
import type { AnnotationRow, ReportTables } from './report-tables.ts'
import { testMethods } from './tests.api.ts'

export function reportsApi(db: Db): ServiceTable {
  return serviceTable(ReportService, {
    ...testMethods(db),

    async listAnnotations({ runId, stepId, pageSize: asked, pageToken }, ctx) {
      const size = pageSize(asked, 50)
      let query = db
        .kysely<ReportTables>(ctx.em)
        .selectFrom('annotation')
        .selectAll()
        .where('run_id', '=', runId)
        .orderBy('urgency')
        .orderBy('job_id')
        .orderBy('place')
        .limit(size + 1)
      if (stepId !== '') query = query.where('step_id', '=', stepId)
      const last = readCursor(pageToken, 3)
      if (last) {
        const [urgency, jobId, place] = [wholeOf(last[0]!), last[1]!, wholeOf(last[2]!)]
        query = query.where(({ and, or, eb }) =>
          or([
            eb('urgency', '>', urgency),
            and([eb('urgency', '=', urgency), eb('job_id', '>', jobId)]),
            and([eb('urgency', '=', urgency), eb('job_id', '=', jobId), eb('place', '>', place)]),
          ]),
        )
      }
      const rows = await query.execute()
      const key = ({ urgency, job_id, place }: AnnotationRow) => [String(urgency), job_id, String(place)]
      const { page, nextPageToken } = cutPage(rows, size, key)
      const lines = await logLines(db, page)
      return { annotations: page.map((row, index) => presentAnnotation(row, lines[index]!)), nextPageToken }
    },

    async listSummaries({ runId, stepId, pageSize: asked, pageToken }, ctx) {
      const size = pageSize(asked, 10, 20)
      let query = db
        .kysely<ReportTables>(ctx.em)
        .selectFrom('summary')
        .selectAll()
        .where('run_id', '=', runId)
        .orderBy('job_id')
        .limit(size + 1)
      if (stepId !== '') query = query.where('step_id', '=', stepId)
      const [last] = readCursor(pageToken, 1) ?? []
      if (last !== undefined) query = query.where('job_id', '>', last)
      const { page, nextPageToken } = cutPage(await query.execute(), size, ({ job_id }) => [job_id])
      const summaries = page.map(({ step_id, attempt, markdown, cut }) => {
        return { stepId: step_id, attempt, markdown, cut: Boolean(cut) }
      })
      return { summaries, nextPageToken }
    },
  })
}

/** Of each, its line in the log of its job. */
async function logLines(db: Db, rows: readonly AnnotationRow[]): Promise<number[]> {
  const lines = new Map<AnnotationRow, number>()
  for (const [jobId, some] of Map.groupBy(rows, ({ job_id }) => job_id)) {
    const found = await linesAt(
      db,
      jobId,
      some.map(({ log_offset }) => Number(log_offset)),
    )
    for (const [index, row] of some.entries()) lines.set(row, found[index]!)
  }
  return rows.map((row) => lines.get(row)!)
}

function presentAnnotation(row: AnnotationRow, logLine: number) {
  const { level, message, title, file, line } = row
  return {
    stepId: row.step_id,
    attempt: row.attempt,
    annotation: {
      level,
      message,
      title,
      file,
      line,
      endLine: row.end_line,
      column: row.col,
      endColumn: row.end_col,
      logOffset: BigInt(row.log_offset),
    },
    logLine,
  }
}
