// Owns the tests of a job as they are read: masked, cut, within what is kept of them, and packed as they travel.
import { constants, zstdCompressSync } from 'node:zlib'
import type { TestBlockSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import {
  type TestCase,
  TestCaseSchema,
  TestCasesSchema,
  TestResult,
  type TestTotalsSchema,
} from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits } from '@ansflow/proto/limits'
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { ReadTest } from './junit.ts'
import { ESCAPE_SIGN } from './xml.ts'

/** Characters of details and output that are kept of those that passed or were left out, and of all. */
const QUIET_ROOM = 4 * 1024 * 1024
const ROOM = 12 * 1024 * 1024
/** A block is begun anew from here on: reading one page should not cost more. */
const BLOCK_BYTES = 32 * 1024
/** Packed bytes from which on what tests have printed is left out. */
const PLAIN_FROM = limits.testPackedBytes * 0.7
const params = { [constants.ZSTD_c_compressionLevel]: 3 }
const STYLES = new RegExp(`${ESCAPE_SIGN}(?:\\[[0-9;:?]*[A-Za-z]|\\(B)?`, 'g')

export interface PackedTests {
  totals: MessageInitShape<typeof TestTotalsSchema>
  blocks: MessageInitShape<typeof TestBlockSchema>[]
}

const results = [TestResult.FAILED, TestResult.FLAKY, TestResult.PASSED, TestResult.SKIPPED] as const

export class CollectedTests {
  readonly #masked: (text: string) => string
  readonly #kept = new Map<TestResult, TestCase[]>(results.map((result) => [result, []]))
  readonly #counts = new Map<TestResult, number>(results.map((result) => [result, 0]))
  #keptCount = 0
  #durationMs = 0
  /** Characters of details and output. */
  #used = 0

  constructor(masked: (text: string) => string) {
    this.#masked = masked
  }

  add(test: ReadTest): void {
    this.#counts.set(test.result, this.#counts.get(test.result)! + 1)
    this.#durationMs += test.durationMs
    if (this.#hasRoom(test.result)) this.#keep(this.#told(test))
  }

  /** Those of one file, once all of it could be read. */
  take(others: CollectedTests): void {
    for (const result of results) {
      this.#counts.set(result, this.#counts.get(result)! + others.#counts.get(result)!)
      for (const test of others.#kept.get(result)!) if (this.#hasRoom(result)) this.#keep(test)
    }
    this.#durationMs += others.#durationMs
    this.#used = others.#used
  }

  /** For those of the next file. */
  begun(): CollectedTests {
    const next = new CollectedTests(this.#masked)
    next.#used = this.#used
    return next
  }

  #keep(test: TestCase): void {
    this.#keptCount += 1
    this.#kept.get(test.result)!.push(test)
  }

  #hasRoom(result: TestResult): boolean {
    return this.#keptCount < limits.tests || this.#makeRoom(result)
  }

  /** The room of one that passed or was left out, for one that did not. */
  #makeRoom(result: TestResult): boolean {
    if (result !== TestResult.FAILED && result !== TestResult.FLAKY) return false
    const quiet = this.#kept.get(TestResult.PASSED)!.pop() ?? this.#kept.get(TestResult.SKIPPED)!.pop()
    if (!quiet) return false
    this.#keptCount -= 1
    return true
  }

  #told(test: ReadTest): TestCase {
    const { result, line, durationMs, failedTries } = test
    const room = result === TestResult.FAILED || result === TestResult.FLAKY ? ROOM : QUIET_ROOM
    const hasRoom = this.#used < room
    const details = hasRoom ? this.#text(test.details, test.cut, limits.testOutput) : ''
    const output = hasRoom ? this.#text(test.output, test.cut, limits.testOutput) : ''
    this.#used += details.length + output.length
    const name = (text: string) => this.#text(text, false, limits.testName).replaceAll('\n', ' ')
    return create(TestCaseSchema, {
      result,
      name: name(test.name),
      suite: name(test.suite),
      file: name(test.file),
      line,
      durationMs,
      message: this.#text(test.message, false, limits.testMessage),
      details,
      output,
      cut:
        test.cut ||
        (hasRoom
          ? Math.max(test.details.length, test.output.length) > limits.testOutput
          : test.details + test.output !== ''),
      failedTries,
    })
  }

  /** `isCut`: it goes on behind its end, where half a secret may stand. */
  #text(text: string, isCut: boolean, most: number): string {
    const trimmed = text.replace(STYLES, '').replace(/^\n+|\s+$/g, '')
    if (trimmed === '') return ''
    const masked = this.#masked(trimmed)
    const known = isCut ? masked.slice(0, masked.lastIndexOf('\n') + 1) : masked
    return known.length > most ? known.slice(0, most).toWellFormed() : known
  }

  /** `turn` between two blocks. */
  async pack(turn: () => Promise<void>): Promise<PackedTests> {
    const packing = new Packing()
    for (const result of results) {
      const tests = this.#kept.get(result)!
      if (result === TestResult.PASSED) tests.sort((a, b) => b.durationMs - a.durationMs)
      for (const test of tests) if (packing.add(test)) await turn()
      packing.endBlock(result)
    }
    const [failed, flaky, passed, skipped] = results.map((result) => this.#counts.get(result)!)
    const all = failed! + flaky! + passed! + skipped!
    return {
      totals: {
        failed: failed!,
        flaky: flaky!,
        passed: passed!,
        skipped: skipped!,
        durationMs: this.#durationMs,
        leftOut: all - packing.count,
      },
      blocks: packing.blocks,
    }
  }
}

class Packing {
  readonly blocks: MessageInitShape<typeof TestBlockSchema>[] = []
  count = 0
  #bytes = 0
  #cases: TestCase[] = []
  #size = 0

  /** True: a block was made. */
  add(test: TestCase): boolean {
    const isPlain = this.#bytes > PLAIN_FROM && test.details + test.output !== ''
    const told = isPlain ? { ...test, details: '', output: '', cut: true } : test
    this.#cases.push(told)
    this.#size +=
      64 +
      3 *
        (told.name.length +
          told.suite.length +
          told.file.length +
          told.message.length +
          told.details.length +
          told.output.length)
    if (this.#size < BLOCK_BYTES) return false
    this.endBlock(test.result)
    return true
  }

  /** One that there is no room for is left out. */
  endBlock(result: TestResult): void {
    const cases = this.#cases.splice(0)
    this.#size = 0
    if (cases.length === 0) return
    const bytes = toBinary(TestCasesSchema, create(TestCasesSchema, { cases }))
    const packed = zstdCompressSync(bytes, { params })
    if (this.#bytes + packed.length > limits.testPackedBytes || this.blocks.length >= limits.testBlocks) return
    this.#bytes += packed.length
    this.count += cases.length
    this.blocks.push({ result, count: cases.length, packed, unpackedSize: bytes.length })
  }
}
