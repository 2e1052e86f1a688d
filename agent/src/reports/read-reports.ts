// Owns the reading of the reports that a job names, once its script has ended: nothing that stands in them fails it, and nothing of
// them takes longer, or more room, than is allowed.
import type { FoundReportsSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { StepReports } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { CoverageTotalsSchema } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits } from '@ansflow/proto/limits'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { turn } from '../log/turns.ts'
import { CollectedTests } from './collected-tests.ts'
import { added, type Coverage, CoverageReader } from './coverage.ts'
import { findFiles } from './find-files.ts'
import { JunitReader } from './junit.ts'
import { BadReport, textOfFile } from './read-file.ts'

const MOST_MS = 60_000
const MOST_PROBLEMS = 20

export interface ReportProblem {
  /** English, one line. */
  message: string
  /** From the workspace on; empty: it is of none. */
  file: string
  /** 0: of no line. */
  line: number
}

export interface ReadReports {
  found: MessageInitShape<typeof FoundReportsSchema>
  problems: ReportProblem[]
}

export interface ReportsRequest {
  workspace: string
  reports: StepReports
  masked(text: string): string
  /** Somebody waits for it. */
  isWanted(): boolean
}

/** Takes the text of one file, piece by piece. Throws a BadReport. */
interface Reader {
  write(text: string): void
  end(): void
}

export async function readReports(request: ReportsRequest): Promise<ReadReports> {
  const { workspace, reports, masked, isWanted } = request
  const deadline = performance.now() + MOST_MS
  const isOver = () => performance.now() > deadline || !isWanted()
  const problems: ReportProblem[] = []
  let bytesLeft = limits.reportBytes

  /** How many of them could be read. */
  async function readAll(globs: readonly string[], readerOf: () => Reader & { keep(): void }): Promise<number> {
    if (globs.length === 0) return 0
    let count = 0
    const { files, unmatched, problem } = await findFiles(workspace, globs, isOver)
    for (const glob of unmatched) problems.push({ message: `No file matches ${glob}.`, file: '', line: 0 })
    if (problem !== undefined) problems.push({ message: problem, file: '', line: 0 })
    for (const file of files) {
      const reader = readerOf()
      try {
        for await (const text of textOfFile(workspace, file, Math.min(limits.reportFileBytes, bytesLeft))) {
          if (isOver()) throw new BadReport('the time for reports is over')
          bytesLeft -= text.length
          reader.write(text)
          await turn()
        }
        reader.end()
        reader.keep()
        count += 1
      } catch (error) {
        const line = error instanceof BadReport ? error.line : 0
        problems.push({ message: `${file} could not be read: ${sentenceOf(error)}.`, file, line })
      }
    }
    return count
  }

  const tests = new CollectedTests(masked)
  const junit = await readAll(reports.junit, () => junitReader(tests))
  const covered: Coverage[] = []
  const coverage = await readAll(reports.coverage, () => coverageReader(covered))
  const packed = junit > 0 ? await tests.pack(turn) : undefined
  return {
    found: {
      ...(packed && { tests: packed.totals, blocks: packed.blocks }),
      ...(coverage > 0 && { coverage: create(CoverageTotalsSchema, added(covered)) }),
    },
    problems: told(problems, masked),
  }
}

/** What a file says counts when all of it could be read. */
function junitReader(tests: CollectedTests) {
  const read = tests.begun()
  const reader = new JunitReader((test) => read.add(test))
  return {
    write: (text: string) => reader.write(text),
    end: () => reader.end(),
    keep: () => tests.take(read),
  }
}

function coverageReader(covered: Coverage[]) {
  const reader = new CoverageReader()
  let found: Coverage | undefined
  return {
    write: (text: string) => reader.write(text),
    end: () => {
      found = reader.end()
    },
    keep: () => void covered.push(found!),
  }
}

function told(problems: readonly ReportProblem[], masked: (text: string) => string): ReportProblem[] {
  const shown = problems.slice(0, MOST_PROBLEMS).map(({ message, file, line }) => {
    return { message: masked(oneLine(message)), file: masked(oneLine(file)), line }
  })
  const more = problems.length - shown.length
  return more > 0 ? [...shown, { message: `${more} more reports could not be read.`, file: '', line: 0 }] : shown
}

function oneLine(text: string): string {
  return text
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, 1000)
    .toWellFormed()
}

function sentenceOf(error: unknown): string {
  if (error instanceof BadReport) return error.message
  return (error as NodeJS.ErrnoException).code ?? 'it is none that can be read'
}
