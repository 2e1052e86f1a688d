// Of ReportService: the tests of a run.
import { invalidField, notFound } from '@ansflow/proto/errors'
import {
  type ListedTestCase,
  ListedTestCaseSchema,
  type ReportService,
  type TestCase,
  TestResult,
} from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits } from '@ansflow/proto/limits'
import { create } from '@bufbuild/protobuf'
import type { Db, EntityManager } from '../../platform/db.ts'
import { pageSize, readCursor, wholeOf, writeCursor } from '../../platform/page.ts'
import type { CallHandlers } from '../../transport/call.ts'
import { runBefore } from './compared-runs.ts'
import type { ReportTables, TestBlockRow } from './report-tables.ts'
import { testsOf } from './test-blocks.ts'
import { type BlockPlace, blocksAfter, failedIn, reportsOfRun, testKey, testReport } from './test-report.ts'

/** Looked through for one page, and read together. */
const mostBlocks = 64
const blocksAtOnce = 4

type Methods = 'getTestReport' | 'listTestCases' | 'getTestCase'

export function testMethods(db: Db): Pick<CallHandlers<typeof ReportService>, Methods> {
  return {
    getTestReport: ({ runId }, { em }) => testReport(db, em, runId),

    listTestCases({ pageSize: asked, query, ...request }, { em }) {
      const size = pageSize(asked, 50)
      if (query.length > limits.testQuery) throw invalidField('query', `has at most ${limits.testQuery} characters`)
      return listTests(db, em, { ...request, query, size })
    },

    async getTestCase({ runId, id }, { em }) {
      const [, jobId = '', place = '', index = ''] = /^([0-9a-f-]{1,36})\.(\d{1,4})\.(\d{1,4})$/.exec(id) ?? []
      const row = await db
        .kysely<ReportTables>(em)
        .selectFrom('test_block')
        .selectAll()
        .where('job_id', '=', jobId)
        .where('place', '=', Number(place))
        .where('run_id', '=', runId)
        .executeTakeFirst()
      const test = row && (await testsOf(row))[Number(index)]
      if (!row || !test) throw notFound('test', id)
      return { listed: listed(row, Number(index), test, await newFailures(db, em, runId)(row, test)), test }
    },
  }
}

interface TestsWanted {
  runId: string
  stepId: string
  result: TestResult
  query: string
  size: number
  pageToken: string
}

/** A page of them. */
export async function listTests(
  db: Db,
  em: EntityManager,
  { runId, stepId, result, query, size, pageToken }: TestsWanted,
): Promise<{ cases: ListedTestCase[]; nextPageToken: string }> {
  const word = query.trim().toLowerCase()
  const isWanted = ({ name, suite, file }: TestCase) =>
    word === '' || [name, suite, file].some((text) => text.toLowerCase().includes(word))
  const isNew = newFailures(db, em, runId)
  const cases: ListedTestCase[] = []
  const begin = readPlace(pageToken)
  // The block of the token too: the page before ended in it.
  let last: BlockPlace | undefined = begin && { ...begin, place: begin.place - 1 }
  let nextPageToken = ''
  for (let seen = 0; seen < mostBlocks; seen += blocksAtOnce) {
    const rows = await blocksAfter(db, em, { runId, stepId, result }, last, blocksAtOnce)
    for (const row of rows) {
      const tests = await testsOf(row)
      for (let index = begin && isSame(row, begin) ? begin.index : 0; index < tests.length; index += 1) {
        const test = tests[index]!
        if (!isWanted(test)) continue
        if (cases.length === size) return { cases, nextPageToken: tokenOf(row, index) }
        cases.push(listed(row, index, test, await isNew(row, test)))
      }
      last = row
      nextPageToken = tokenOf(row, tests.length)
    }
    if (rows.length < blocksAtOnce) return { cases, nextPageToken: '' }
  }
  return { cases, nextPageToken }
}

/** Whether a failed test did not fail in the run that this one is compared with; that is looked for once, when it is asked. */
function newFailures(
  db: Db,
  em: EntityManager,
  runId: string,
): (row: TestBlockRow, test: TestCase) => Promise<boolean> {
  let known: Promise<ReadonlySet<string> | undefined> | undefined
  async function failedBefore() {
    const [first] = await reportsOfRun(db, em, runId)
    const run = first && (await runBefore(db, em, first))
    return run && (await failedIn(db, em, run.id))
  }
  return async (row, test) => {
    if (test.result !== TestResult.FAILED) return false
    known ??= failedBefore()
    return (await known)?.has(testKey(row.step_id, test)) === false
  }
}

function listed(row: TestBlockRow, index: number, test: TestCase, newFailure: boolean): ListedTestCase {
  return create(ListedTestCaseSchema, {
    id: `${row.job_id}.${row.place}.${index}`,
    stepId: row.step_id,
    attempt: row.attempt,
    test: { ...test, details: '', output: '' },
    newFailure,
  })
}

interface Place extends BlockPlace {
  /** The next test, in the block. */
  index: number
}

function tokenOf({ result, job_id, place }: BlockPlace, index: number): string {
  return writeCursor([String(result), job_id, String(place), String(index)])
}

function readPlace(token: string): Place | undefined {
  const [result, jobId, place, index] = readCursor(token, 4) ?? []
  if (jobId === undefined) return undefined
  return { result: wholeOf(result!), job_id: jobId, place: wholeOf(place!), index: wholeOf(index!) }
}

function isSame(a: BlockPlace, b: BlockPlace): boolean {
  return a.job_id === b.job_id && a.place === b.place
}
