// Reads the tests of a block. An agent has packed it and nobody has looked into it since: what it holds beyond the contract is cut here.
import { zstdDecompressSync } from 'node:zlib'
import { storable } from '@ansflow/proto/characters'
import { type TestCase, TestCasesSchema, type TestResult } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits } from '@ansflow/proto/limits'
import { fromBinary } from '@bufbuild/protobuf'
import { nextTurn } from '../../platform/turns.ts'
import type { TestBlockRow } from './report-tables.ts'

/** Those that cannot be read have none. Each takes a turn of the event loop. */
export async function testsOf({
  packed,
  result,
  count,
}: Pick<TestBlockRow, 'packed' | 'result' | 'count'>): Promise<TestCase[]> {
  await nextTurn()
  try {
    const bytes = zstdDecompressSync(packed, { maxOutputLength: limits.testBlockBytes })
    if (entriesOf(bytes) > count) return []
    return fromBinary(TestCasesSchema, bytes).cases.map((test) => bounded(test, result))
  } catch {
    return []
  }
}

function bounded(test: TestCase, result: TestResult): TestCase {
  const text = (value: string, most: number) => storable(value.slice(0, most))
  const { line, durationMs } = test
  return {
    ...test,
    result,
    name: text(test.name, limits.testName),
    suite: text(test.suite, limits.testName),
    file: text(test.file, limits.testName),
    line: line < 2 ** 31 ? line : 0,
    durationMs: durationMs >= 0 && durationMs < 1e12 ? durationMs : 0,
    message: text(test.message, limits.testMessage),
    details: text(test.details, limits.testOutput),
    output: text(test.output, limits.testOutput),
  }
}

/** Without making an object of each. Infinity: it is something else than a list of them. */
function entriesOf(bytes: Uint8Array): number {
  let count = 0
  for (let at = 0; at < bytes.length; count += 1) {
    // Field 1, a message.
    if (bytes[at++] !== 10) return Number.POSITIVE_INFINITY
    let length = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) return Number.POSITIVE_INFINITY
      length |= (byte & 127) << shift
      if (byte < 128) break
    }
    at += length
  }
  return count
}
