// The tables of reports as statements see them.
import type { Kysely } from 'kysely'

export interface AnnotationRow {
  job_id: string
  place: number
  run_id: string
  step_id: string
  attempt: number
  level: number
  urgency: number
  message: string
  title: string
  file: string
  line: number
  end_line: number
  col: number
  end_col: number
  log_offset: number
}

export interface SummaryRow {
  job_id: string
  run_id: string
  step_id: string
  attempt: number
  markdown: string
  cut: number
}

export interface ReportTables {
  annotation: AnnotationRow
  summary: SummaryRow
}

export type ReportKysely = Kysely<ReportTables>
