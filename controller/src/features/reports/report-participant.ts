// Writes what attempts tell people in the transaction of their end: so it is there exactly once, whoever dies.
import type { ReportChange } from '@ansflow/engine/report'
import { AnnotationLevel } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { insertion } from '../../platform/statement.ts'
import type { RunChange, RunParticipant } from '../runs/index.ts'
import type { AnnotationRow, ReportTables, SummaryRow } from './report-tables.ts'
import { writeTests } from './write-tests.ts'

export const reportParticipant: RunParticipant = {
  name: 'reports',
  wants: ({ reports }) => reports.length > 0,
  async write(to, changes) {
    const tables = to.kysely<ReportTables>()
    const all = changes.flatMap((change) => change.reports.map((told) => ({ change, told })))
    await insertAnnotations(
      tables,
      all.flatMap(({ change, told }) => annotationRows(change, told)),
    )
    await insertSummaries(
      tables,
      all.filter(({ told }) => told.report.summary !== '').map(({ change, told }) => summaryRow(change, told)),
    )
    await writeTests(
      tables,
      all.filter(({ told }) => told.report.found?.tests || told.report.found?.coverage),
    )
  },
}

const insertAnnotations = insertion<ReportTables, 'annotation'>('annotation')
const insertSummaries = insertion<ReportTables, 'summary'>('summary')

function of({ run }: RunChange, { job }: ReportChange) {
  return { job_id: job.id, run_id: run.meta.runId, step_id: job.step.id, attempt: job.attempt }
}

function annotationRows(change: RunChange, told: ReportChange): AnnotationRow[] {
  return told.report.annotations.map((annotation, place) => ({
    ...of(change, told),
    place,
    level: annotation.level,
    urgency: AnnotationLevel.ERROR - annotation.level,
    message: annotation.message,
    title: annotation.title,
    file: annotation.file,
    line: stored(annotation.line),
    end_line: stored(annotation.endLine),
    col: stored(annotation.column),
    end_col: stored(annotation.endColumn),
    log_offset: Number(annotation.logOffset),
  }))
}

/** What the column has no room for is as if it had not been said. */
function stored(number: number): number {
  return number < 2 ** 31 ? number : 0
}

function summaryRow(change: RunChange, told: ReportChange): SummaryRow {
  const { summary, summaryCut } = told.report
  return { ...of(change, told), markdown: summary, cut: Number(summaryCut) }
}
