// Tests as agents pack them.
import { zstdCompressSync } from 'node:zlib'
import type { TestBlockSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type TestCaseSchema, TestCasesSchema, TestResult } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'

export type Case = MessageInitShape<typeof TestCaseSchema>

export function blockOf(
  result: TestResult,
  cases: Case[],
): MessageInitShape<typeof TestBlockSchema> & { packed: Uint8Array } {
  const bytes = toBinary(TestCasesSchema, create(TestCasesSchema, { cases }))
  return { result, count: cases.length, packed: zstdCompressSync(bytes), unpackedSize: bytes.length }
}

/** Those that say no result have passed. */
export function reportsOf(cases: Case[]) {
  const of = Map.groupBy(cases, ({ result }): TestResult => result || TestResult.PASSED)
  const count = (result: TestResult) => of.get(result)?.length ?? 0
  const { FAILED, FLAKY, PASSED, SKIPPED } = TestResult
  return {
    tests: {
      failed: count(FAILED),
      flaky: count(FLAKY),
      passed: count(PASSED),
      skipped: count(SKIPPED),
      durationMs: 10,
    },
    blocks: [...of].sort(([a], [b]) => a - b).map(([result, some]) => blockOf(result, some)),
  }
}
