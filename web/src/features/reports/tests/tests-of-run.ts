// What is told of tests: which group of the list each stands in, and by how much coverage has changed.
import {
  type AttemptReport,
  type CoverageTotals,
  type ListedTestCase,
  TestResult,
  type TestTotals,
} from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import type { RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { StatusName } from '../../../ui/status/status.ts'

/** In the order of the list. */
export const testGroups = ['new', 'failed', 'flaky', 'passed', 'skipped'] as const
export type TestGroup = (typeof testGroups)[number]

export function groupOf({ test, newFailure }: ListedTestCase): TestGroup {
  switch (test?.result) {
    case TestResult.FAILED:
      return newFailure ? 'new' : 'failed'
    case TestResult.FLAKY:
      return 'flaky'
    case TestResult.SKIPPED:
      return 'skipped'
    default:
      return 'passed'
  }
}

/** Without those that have none. */
export function grouped(cases: readonly ListedTestCase[]): { group: TestGroup; cases: ListedTestCase[] }[] {
  const found = Map.groupBy(cases, groupOf)
  return testGroups.flatMap((group) => {
    const some = found.get(group)
    return some ? [{ group, cases: some }] : []
  })
}

export const shapeOf: Record<TestGroup, StatusName> = {
  new: 'failed',
  failed: 'failed',
  flaky: 'warning',
  passed: 'succeeded',
  skipped: 'skipped',
}

export function countOf({ failed, flaky, passed, skipped }: TestTotals): number {
  return failed + flaky + passed + skipped
}

export interface Covered {
  kind: 'lines' | 'branches'
  share: number
  hit: number
  all: number
  /** Undefined: it is compared with nothing. */
  before: number | undefined
}

/** Of kinds that were measured. */
export function coveredOf(now: CoverageTotals, before: CoverageTotals | undefined): Covered[] {
  const all: { kind: Covered['kind']; hit: number; all: number; before: number | undefined }[] = [
    { kind: 'lines', hit: now.linesHit, all: now.lines, before: shareOf(before?.linesHit, before?.lines) },
    {
      kind: 'branches',
      hit: now.branchesHit,
      all: now.branches,
      before: shareOf(before?.branchesHit, before?.branches),
    },
  ]
  return all.flatMap((each) => (each.all > 0 ? [{ ...each, share: each.hit / each.all }] : []))
}

function shareOf(hit = 0, all = 0): number | undefined {
  return all > 0 ? hit / all : undefined
}

/** Tenths of a percent point: what is shown, so that a difference which is not seen is none. */
export function changeOf({ share, before }: Pick<Covered, 'share' | 'before'>): number {
  return before === undefined ? 0 : (Math.round(share * 1000) - Math.round(before * 1000)) / 10
}

/** Of the newest attempt of each step that has reported any. */
export function testTotal(steps: Iterable<RunStep>): { tests: number; failed: number; covered: number } {
  const total = { tests: 0, failed: 0, covered: 0 }
  for (const { attempts } of steps) {
    const report = attempts.findLast(({ report: each }) => each && hasReported(each))?.report
    total.tests += report?.tests ?? 0
    total.failed += report?.failedTests ?? 0
    total.covered += Number(report?.coverage ?? false)
  }
  return total
}

function hasReported({ tests, coverage }: AttemptReport): boolean {
  return tests > 0 || coverage
}
