// The tests and the coverage of runs, for features that tell of them elsewhere.
import { TestResult } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import type { Db } from '../../platform/db.ts'
import type { ReportTables } from './report-tables.ts'
import { coverageOf, testReport } from './test-report.ts'
import { listTests } from './tests.api.ts'

export interface RunTests {
  /** Undefined: none were reported. */
  tests: { failed: number; flaky: number; passed: number; skipped: number } | undefined
  /** Undefined: there is no run to compare with. */
  newFailures: number | undefined
  /** The first that failed. */
  failures: { suite: string; name: string; message: string; isNew: boolean }[]
  /** Shares of lines, 0 to 1. `before`: undefined where there is nothing to compare with. */
  coverage: { lines: number; before: { lines: number; number: number } | undefined } | undefined
}

export async function runTests(db: Db, runId: string, mostFailures: number): Promise<RunTests> {
  const em = db.em()
  const report = await testReport(db, em, runId)
  const { totals, coverage, coverageBefore, coverageBase } = report
  const wanted = { runId, stepId: '', result: TestResult.FAILED, query: '', size: mostFailures, pageToken: '' }
  const failed = totals && totals.failed > 0 ? (await listTests(db, em, wanted)).cases : []
  const [lines, before] = [shareOf(coverage), shareOf(coverageBefore)]
  return {
    tests: totals,
    newFailures: report.before ? report.newFailures : undefined,
    failures: failed.map(({ test, newFailure }) => {
      const { suite, name, message } = test!
      return { suite, name, message, isNew: newFailure }
    }),
    coverage:
      lines === undefined
        ? undefined
        : {
            lines,
            before: before === undefined || !coverageBase ? undefined : { lines: before, number: coverageBase.number },
          },
  }
}

/** Of the first of these runs that has reported some. */
export async function lastCoverage(db: Db, runIds: readonly string[]): Promise<number | undefined> {
  if (runIds.length === 0) return undefined
  const rows = await db
    .kysely<ReportTables>()
    .selectFrom('test_report')
    .selectAll()
    .where('run_id', 'in', [...runIds])
    .where('is_replaced', '=', 0)
    .where('has_coverage', '=', 1)
    .execute()
  const first = runIds.find((id) => rows.some(({ run_id }) => run_id === id))
  return shareOf(coverageOf(rows.filter(({ run_id }) => run_id === first)))
}

function shareOf(coverage: { lines: number; linesHit: number } | undefined): number | undefined {
  return coverage && coverage.lines > 0 ? coverage.linesHit / coverage.lines : undefined
}
