// What an attempt tells people besides its result. The engine keeps how much of it there is; what it says is stored by others, in the
// transaction of the attempt's end.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import {
  type Annotation,
  AnnotationLevel,
  AnnotationSchema,
  type CoverageTotalsSchema,
  type TestResult,
  type TestTotalsSchema,
} from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { runsScript } from '@ansflow/proto/steps/index'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { JobResult, JobState } from './state.ts'

export interface JobReport {
  annotations: readonly Annotation[]
  /** That were not kept. */
  leftOut: number
  /** Markdown; empty: none. */
  summary: string
  summaryCut: boolean
  /** Absent: no reports were looked for. */
  found?: FoundReports
}

/** What stood in the files that the step names in `reports`. */
export interface FoundReports {
  /** Null: there was none of tests. */
  tests: FoundTests | null
  coverage: MessageInitShape<typeof CoverageTotalsSchema> | null
}

export interface FoundTests {
  totals: MessageInitShape<typeof TestTotalsSchema>
  blocks: readonly FoundBlock[]
}

/** Tests of one result, as they are stored. */
export interface FoundBlock {
  result: TestResult
  count: number
  packed: Uint8Array
  unpackedSize: number
}

/** How much of it there is. */
export interface ReportCounts {
  errors: number
  warnings: number
  notices: number
  leftOut: number
  summary: boolean
  /** Absent: it has reported none. */
  tests?: number
  failedTests?: number
  coverage?: boolean
}

/** Told once: by the result that ended the attempt. */
export interface ReportChange {
  job: JobState
  report: JobReport
}

/** Null: it tells nothing. */
export function countsOf({ annotations, leftOut, summary, found }: JobReport): ReportCounts | null {
  const { tests, coverage } = found ?? { tests: null, coverage: null }
  if (annotations.length === 0 && leftOut === 0 && summary === '' && !tests && !coverage) return null
  const count = (wanted: AnnotationLevel) => annotations.filter(({ level }) => level === wanted).length
  return {
    errors: count(AnnotationLevel.ERROR),
    warnings: count(AnnotationLevel.WARNING),
    notices: count(AnnotationLevel.NOTICE),
    leftOut,
    summary: summary !== '',
    ...(tests && countsOfTests(tests)),
    ...(coverage && { coverage: true }),
  }
}

function countsOfTests({ totals }: FoundTests): Pick<ReportCounts, 'tests' | 'failedTests'> {
  const { failed = 0, flaky = 0, passed = 0, skipped = 0 } = totals
  return { tests: failed + flaky + passed + skipped, failedTests: failed }
}

const TOO_OLD = 'Its reports were not read: its agent is too old for that. Update the agent.'
const unread: ReadonlySet<Outcome> = new Set([Outcome.CANCELED, Outcome.LOST])

/** What the attempt tells, and that it tells nothing of its reports, where it should. */
export function reportOf(
  { step }: JobState,
  { report, exitCode, outcome }: Pick<JobResult, 'report' | 'exitCode' | 'outcome'>,
): JobReport | undefined {
  if (report?.found || exitCode === undefined || unread.has(outcome)) return report
  const { reports, uses } = step.definition
  if (!reports || !runsScript(uses)) return report
  const warning = create(AnnotationSchema, { level: AnnotationLevel.WARNING, title: 'Reports', message: TOO_OLD })
  const told = report ?? { annotations: [], leftOut: 0, summary: '', summaryCut: false }
  return { ...told, annotations: [...told.annotations, warning] }
}
