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

export interface TestReportRow {
  job_id: string
  run_id: string
  pipeline_id: string
  scope: string
  base_scope: string
  step_id: string
  attempt: number
  is_replaced: number
  has_tests: number
  failed: number
  flaky: number
  passed: number
  skipped: number
  left_out: number
  duration_ms: number
  has_coverage: number
  lines: number
  lines_hit: number
  branches: number
  branches_hit: number
}

export interface TestBlockRow {
  job_id: string
  place: number
  run_id: string
  step_id: string
  attempt: number
  is_replaced: number
  result: number
  count: number
  unpacked_size: number
  packed: Uint8Array
}

export interface ReportTables {
  annotation: AnnotationRow
  summary: SummaryRow
  test_report: TestReportRow
  test_block: TestBlockRow
}

export type ReportKysely = Kysely<ReportTables>
