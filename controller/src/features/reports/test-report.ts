// How the tests of a run have ended and what they covered, of all steps together, beside an earlier run.

import {
  type ComparedRun,
  ComparedRunSchema,
  type CoverageTotals,
  CoverageTotalsSchema,
  type GetTestReportResponse,
  GetTestReportResponseSchema,
  TestResult,
  type TestTotals,
  TestTotalsSchema,
} from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create } from '@bufbuild/protobuf'
import type { Db, EntityManager } from '../../platform/db.ts'
import { coverageBase, runBefore } from './compared-runs.ts'
import type { ReportTables, TestBlockRow, TestReportRow } from './report-tables.ts'
import { testsOf } from './test-blocks.ts'

const mostSteps = 200
/** Failed tests that are compared. */
export const mostCompared = 2000
const most = 2 ** 32 - 1

export async function testReport(db: Db, em: EntityManager, runId: string): Promise<GetTestReportResponse> {
  const rows = await reportsOfRun(db, em, runId)
  const totals = totalsOf(rows)
  const coverage = coverageOf(rows)
  const [first] = rows
  const response = create(GetTestReportResponseSchema, { ...(totals && { totals }), ...(coverage && { coverage }) })
  if (!first) return response
  response.steps = rows
    .toSorted((a, b) => Number(b.failed > 0) - Number(a.failed > 0))
    .slice(0, mostSteps)
    .map((row) => {
      const [ofStep, covered] = [totalsOf([row]), coverageOf([row])]
      const { step_id: stepId, attempt } = row
      return {
        $typeName: 'ansflow.v1.StepTests',
        stepId,
        attempt,
        ...(ofStep && { totals: ofStep }),
        ...(covered && { coverage: covered }),
      }
    })
  const before = totals && (await runBefore(db, em, first))
  if (before) {
    const totalsBefore = totalsOf(await reportsOfRun(db, em, before.id))
    response.before = compared(before)
    if (totalsBefore) response.totalsBefore = totalsBefore
    const known = await failedIn(db, em, before.id)
    const failed = totals.failed > 0 ? await failedIn(db, em, runId) : new Set<string>()
    response.newFailures = [...failed].filter((key) => !known.has(key)).length
  }
  const base = coverage && (await coverageBase(db, em, first))
  const coverageBefore = base && coverageOf(await reportsOfRun(db, em, base.id))
  if (base && coverageBefore) {
    response.coverageBase = compared(base)
    response.coverageBefore = coverageBefore
  }
  return response
}

/** Of each step the last attempt that has reported. */
export async function reportsOfRun(db: Db, em: EntityManager, runId: string): Promise<TestReportRow[]> {
  return await db
    .kysely<ReportTables>(em)
    .selectFrom('test_report')
    .selectAll()
    .where('run_id', '=', runId)
    .where('is_replaced', '=', 0)
    .orderBy('job_id')
    .execute()
}

/** What names a test from run to run. */
export function testKey(stepId: string, { suite, name, file }: { suite: string; name: string; file: string }): string {
  return JSON.stringify([stepId, suite, name, file])
}

/** Keys of the tests of a run that have failed: of the first so many. */
export async function failedIn(db: Db, em: EntityManager, runId: string): Promise<Set<string>> {
  const keys = new Set<string>()
  for await (const block of failedBlocks(db, em, runId)) {
    for (const test of await testsOf(block)) keys.add(testKey(block.step_id, test))
    if (keys.size >= mostCompared) break
  }
  return new Set([...keys].slice(0, mostCompared))
}

/** One after the other: blocks are large. */
async function* failedBlocks(db: Db, em: EntityManager, runId: string): AsyncGenerator<TestBlockRow> {
  for (let last: TestBlockRow | undefined; ; ) {
    const rows = await blocksAfter(db, em, { runId, result: TestResult.FAILED }, last, 8)
    yield* rows
    last = rows.at(-1)
    if (!last) return
  }
}

export interface BlocksWanted {
  runId: string
  /** Empty: of all. */
  stepId?: string
  /** 0: of all. */
  result: TestResult
}
export type BlockPlace = Pick<TestBlockRow, 'result' | 'job_id' | 'place'>

/** In their order, those behind one. */
export async function blocksAfter(
  db: Db,
  em: EntityManager,
  { runId, stepId, result }: BlocksWanted,
  last: BlockPlace | undefined,
  count: number,
): Promise<TestBlockRow[]> {
  let query = db
    .kysely<ReportTables>(em)
    .selectFrom('test_block')
    .selectAll()
    .where('run_id', '=', runId)
    .where('is_replaced', '=', 0)
    .orderBy('result')
    .orderBy('job_id')
    .orderBy('place')
    .limit(count)
  if (stepId) query = query.where('step_id', '=', stepId)
  if (result) query = query.where('result', '=', result)
  if (last) {
    query = query.where(({ and, or, eb }) =>
      or([
        eb('result', '>', last.result),
        and([eb('result', '=', last.result), eb('job_id', '>', last.job_id)]),
        and([eb('result', '=', last.result), eb('job_id', '=', last.job_id), eb('place', '>', last.place)]),
      ]),
    )
  }
  return await query.execute()
}

export function totalsOf(rows: readonly TestReportRow[]): TestTotals | undefined {
  const some = rows.filter(({ has_tests }) => has_tests)
  if (some.length === 0) return undefined
  const sum = (key: 'failed' | 'flaky' | 'passed' | 'skipped' | 'left_out') => sumOf(some, key)
  return create(TestTotalsSchema, {
    ...{ failed: sum('failed'), flaky: sum('flaky'), passed: sum('passed'), skipped: sum('skipped') },
    durationMs: some.reduce((before, row) => before + Number(row.duration_ms), 0),
    leftOut: sum('left_out'),
  })
}

export function coverageOf(rows: readonly TestReportRow[]): CoverageTotals | undefined {
  const some = rows.filter(({ has_coverage }) => has_coverage)
  if (some.length === 0) return undefined
  const sum = (key: 'lines' | 'lines_hit' | 'branches' | 'branches_hit') => sumOf(some, key)
  return create(CoverageTotalsSchema, {
    ...{ lines: sum('lines'), linesHit: sum('lines_hit'), branches: sum('branches'), branchesHit: sum('branches_hit') },
  })
}

function sumOf<K extends keyof TestReportRow>(rows: readonly TestReportRow[], key: K): number {
  return Math.min(
    most,
    rows.reduce((before, row) => before + Number(row[key]), 0),
  )
}

function compared({ id, number, origin }: Run): ComparedRun {
  return create(ComparedRunSchema, { runId: id, number, branch: origin?.git?.branch ?? '' })
}
