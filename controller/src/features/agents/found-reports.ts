// What an agent says of a job's reports, in the engine's words; everything it could fill without bound is bounded. What is packed is
// looked into by whoever reads it.
import type { FoundReports as Found, FoundBlock } from '@ansflow/engine/report'
import type { FoundReports, TestBlock } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type CoverageTotals, TestResult, type TestTotals } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits } from '@ansflow/proto/limits'

/** Of tests and lines: what the columns have room for, with all of a run together. */
const mostOfAKind = 2 ** 31 - 1
const mostMs = 1e12
const results: ReadonlySet<TestResult> = new Set([
  TestResult.FAILED,
  TestResult.FLAKY,
  TestResult.PASSED,
  TestResult.SKIPPED,
])

export function foundReportsOf({ tests, blocks, coverage }: FoundReports): Found {
  return { tests: tests ? { ...keptOf(tests, blocks) } : null, coverage: coverage ? coverageOf(coverage) : null }
}

function keptOf(totals: TestTotals, blocks: readonly TestBlock[]) {
  const kept: FoundBlock[] = []
  let [bytes, count] = [0, 0]
  for (const block of blocks) {
    if (!isBlock(block) || kept.length >= limits.testBlocks) continue
    if (bytes + block.packed.length > limits.testPackedBytes || count + block.count > limits.tests) continue
    bytes += block.packed.length
    count += block.count
    const { result, packed, unpackedSize } = block
    kept.push({ result, count: block.count, packed, unpackedSize })
  }
  const { durationMs } = totals
  const [failed, flaky, passed, skipped] = [totals.failed, totals.flaky, totals.passed, totals.skipped].map(counted)
  const all = failed! + flaky! + passed! + skipped!
  return {
    totals: {
      ...{ failed: failed!, flaky: flaky!, passed: passed!, skipped: skipped! },
      durationMs: durationMs >= 0 && durationMs < mostMs ? durationMs : 0,
      leftOut: Math.min(mostOfAKind, Math.max(0, all - count)),
    },
    blocks: kept,
  }
}

/** One of a result that is newer than this controller is left out. */
function isBlock({ result, count, unpackedSize, packed }: TestBlock): boolean {
  return results.has(result) && count > 0 && unpackedSize <= limits.testBlockBytes && packed.length > 0
}

function coverageOf(coverage: CoverageTotals) {
  const [lines, branches] = [counted(coverage.lines), counted(coverage.branches)]
  return {
    ...{ lines, linesHit: Math.min(lines, counted(coverage.linesHit)) },
    ...{ branches, branchesHit: Math.min(branches, counted(coverage.branchesHit)) },
  }
}

function counted(count: number): number {
  return Math.min(mostOfAKind, count)
}
