// What attempts tell people, through the API of a started controller, told by an agent that the test plays.
import { createHash } from 'node:crypto'
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { AnnotationLevel, ReportService, TestResult } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { limits } from '@ansflow/proto/limits'
import { Code } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentWorld } from '../agents/test/agent-world.ts'
import type { FakeAgent } from '../agents/test/fake-agent.ts'
import type { ReportTables } from './report-tables.ts'
import { blockOf, type Case, reportsOf } from './test/packed-tests.ts'

const { ERROR, WARNING, NOTICE } = AnnotationLevel
const { FAILED, PASSED } = TestResult

let world: AgentWorld
let agent: FakeAgent
beforeAll(async () => {
  world = await AgentWorld.start()
  agent = await world.register()
})
afterAll(() => world[Symbol.asyncDispose]())

const reports = () => world.controller.as(world.controller.owner).client(ReportService)

test('annotations are listed errors first, page by page, each with its line in the log', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'a' }, { id: 'b', needs: [{ stepId: 'a' }] }])
  const a = await control.take()
  const log = 'one\n::warning::w1\n\n::error file=src/a.ts,line=3::e1\n'
  control.say({
    case: 'finished',
    value: {
      job: a.job,
      outcome: Outcome.SUCCEEDED,
      exitCode: 0,
      logSize: BigInt(log.length),
      annotations: [
        { level: WARNING, message: 'w1', logOffset: 4n },
        {
          level: ERROR,
          message: 'e1',
          title: 'T',
          file: 'src/a.ts',
          line: 3,
          endLine: 4,
          column: 5,
          endColumn: 6,
          logOffset: 19n,
        },
        { level: NOTICE, message: 'beyond the stored', logOffset: 900n },
      ],
      annotationsLeftOut: 2,
    },
  })
  const b = await control.take()
  control.say({
    case: 'finished',
    value: { job: b.job, outcome: Outcome.FAILED, exitCode: 1, annotations: [{ level: ERROR, message: 'e2' }] },
  })
  const step = await world.untilStep(runId, 'b', StepStatus.FAILED)
  expect(step.attempts[0]!.report).toMatchObject({ errors: 1, warnings: 0, notices: 0, leftOut: 0, summary: false })
  expect((await world.stepOf(runId, 'a')).step.attempts[0]!.report).toMatchObject({
    errors: 1,
    warnings: 1,
    notices: 1,
    leftOut: 2,
  })
  const before = await reports().listAnnotations({ runId })
  expect(before.annotations.map(({ logLine }) => logLine)).toEqual([0, 0, 0, 0])
  const logs = agent.logs()
  const data = Buffer.from(log)
  const finalSha256 = createHash('sha256').update(data).digest()
  logs.send({ job: a.job, offset: 0n, data, finalSize: BigInt(data.length), finalSha256 })
  await logs.answer(({ complete }) => complete)

  const all = await reports().listAnnotations({ runId })
  expect(all.annotations.map(({ stepId, annotation, logLine }) => [stepId, annotation!.message, logLine])).toEqual([
    ['a', 'e1', 4],
    ['b', 'e2', 0],
    ['a', 'w1', 2],
    ['a', 'beyond the stored', 0],
  ])
  expect(all.annotations[0]).toMatchObject({
    attempt: 1,
    annotation: {
      level: ERROR,
      title: 'T',
      file: 'src/a.ts',
      line: 3,
      endLine: 4,
      column: 5,
      endColumn: 6,
      logOffset: 19n,
    },
  })
  const paged: string[] = []
  for (let pageToken = ''; ; ) {
    const page = await reports().listAnnotations({ runId, pageSize: 1, pageToken })
    paged.push(...page.annotations.map(({ annotation }) => annotation!.message))
    pageToken = page.nextPageToken
    if (pageToken === '') break
  }
  expect(paged).toEqual(['e1', 'e2', 'w1', 'beyond the stored'])
  const ofB = await reports().listAnnotations({ runId, stepId: 'b' })
  expect(ofB.annotations.map(({ annotation }) => annotation!.message)).toEqual(['e2'])
  await expect(reports().listAnnotations({ runId, pageToken: 'x' })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  })
  control.cut()
})

test('a result that is told again, and one behind the end, add nothing', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'a' }])
  const { job } = await control.take()
  const value = {
    job,
    outcome: Outcome.SUCCEEDED,
    exitCode: 0,
    annotations: [{ level: ERROR, message: 'once' }],
    summary: '# Once',
  }
  control.say({ case: 'finished', value })
  await control.hear('finishedAck')
  control.say({
    case: 'finished',
    value: { ...value, summary: '# Twice', annotations: [{ level: ERROR, message: 'twice' }] },
  })
  await control.hear('finishedAck')
  const { annotations } = await reports().listAnnotations({ runId })
  expect(annotations.map(({ annotation }) => annotation!.message)).toEqual(['once'])
  const { summaries } = await reports().listSummaries({ runId })
  expect(summaries.map(({ markdown }) => markdown)).toEqual(['# Once'])
  control.cut()
})

test('summaries of the attempts, in their order; one that tells nothing has none', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'a', retry: { max: 1 } }])
  const first = await control.take()
  control.say({
    case: 'finished',
    value: { job: first.job, outcome: Outcome.FAILED, exitCode: 1, summary: '# 1\n', summaryCut: true },
  })
  const second = await control.take()
  control.say({
    case: 'finished',
    value: { job: second.job, outcome: Outcome.SUCCEEDED, exitCode: 0, summary: '# 2 \u{1f600}' },
  })
  const step = await world.untilStep(runId, 'a', StepStatus.SUCCEEDED)
  expect(step.attempts.map(({ report }) => report?.summary)).toEqual([true, true])
  const page = await reports().listSummaries({ runId, pageSize: 1 })
  expect(page.summaries).toMatchObject([{ stepId: 'a', attempt: 1, markdown: '# 1\n', cut: true }])
  const next = await reports().listSummaries({ runId, pageToken: page.nextPageToken })
  expect(next.summaries).toMatchObject([{ stepId: 'a', attempt: 2, markdown: '# 2 \u{1f600}', cut: false }])

  const quiet = await world.startRun([{ id: 'a' }])
  const { job } = await control.take()
  control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0 } })
  const { attempts } = await world.untilStep(quiet, 'a', StepStatus.SUCCEEDED)
  expect(attempts[0]!.report).toBeUndefined()
  expect(await reports().listSummaries({ runId: quiet })).toMatchObject({ summaries: [], nextPageToken: '' })
  control.cut()
})

test('an agent that keeps no limit is cut to it', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'a' }])
  const { job } = await control.take()
  const annotations = Array.from({ length: limits.annotations + 3 }, (_, i) => ({
    level: i === 0 ? (99 as AnnotationLevel) : ERROR,
    message: `a\0${'m'.repeat(5000)}`,
    line: 2 ** 32 - 1,
  }))
  const summary = 's'.repeat(limits.summaryBytes + 1)
  control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0, annotations, summary } })
  const { attempts } = await world.untilStep(runId, 'a', StepStatus.SUCCEEDED)
  expect(attempts[0]!.report).toMatchObject({ errors: limits.annotations - 1, notices: 1, leftOut: 3, summary: false })
  const listed = await reports().listAnnotations({ runId, pageSize: 200 })
  expect(listed.annotations).toHaveLength(limits.annotations)
  expect(listed.annotations[0]!.annotation).toMatchObject({
    message: `a${'m'.repeat(limits.annotationMessage - 2)}`,
    line: 0,
  })
  control.cut()
})

test('a project that is deleted takes them along', async () => {
  const control = agent.control()
  await control.hello()
  const projectId = await world.controller.addProject()
  const runId = await world.startRun([{ id: 'a' }], projectId)
  const { job } = await control.take()
  control.say({
    case: 'finished',
    value: {
      job,
      outcome: Outcome.SUCCEEDED,
      exitCode: 0,
      annotations: [{ level: NOTICE, message: 'n' }],
      summary: 's',
      reports: { tests: { passed: 1 }, blocks: [blockOf(PASSED, [{ name: 'a' }])] },
    },
  })
  await world.untilStep(runId, 'a', StepStatus.SUCCEEDED)
  const { db, owner } = world.controller
  const tables = ['annotation', 'summary', 'test_report', 'test_block'] as const
  const left = async (table: (typeof tables)[number]) =>
    (await db.kysely<ReportTables>().selectFrom(table).select('job_id').where('run_id', '=', runId).execute()).length
  expect(await Promise.all(tables.map(left))).toEqual([1, 1, 1, 1])
  await world.controller.as(owner).client(ProjectService).deleteProject({ projectId })
  expect(await Promise.all(tables.map(left))).toEqual([0, 0, 0, 0])
  control.cut()
})

/** Ends the job that the agent takes next. */
async function report(control: ReturnType<FakeAgent['control']>, cases: Case[], more: object = {}) {
  const { job } = await control.take()
  const outcome = cases.some(({ result }) => result === FAILED) ? Outcome.FAILED : Outcome.SUCCEEDED
  const exitCode = outcome === Outcome.FAILED ? 1 : 0
  control.say({ case: 'finished', value: { job, outcome, exitCode, reports: { ...reportsOf(cases), ...more } } })
  await control.hear('finishedAck')
}

test('tests are listed failed first, page by page and by what they are called, and read with what they have printed', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'a' }, { id: 'b', needs: [{ stepId: 'a' }] }])
  await report(control, [
    { name: 'a1', durationMs: 7, suite: 'Cart' },
    { name: 'a2', durationMs: 3 },
  ])
  await report(control, [
    { name: 'b1', result: FAILED, message: 'no', details: 'stack', output: 'printed', file: 'src/cart.ts' },
    { name: 'b2', result: TestResult.FLAKY, failedTries: 2 },
    { name: 'b3', result: TestResult.SKIPPED },
  ])
  const step = await world.untilStep(runId, 'b', StepStatus.FAILED)
  expect(step.attempts[0]!.report).toMatchObject({ errors: 0, tests: 3, failedTests: 1, coverage: false })
  const all: string[] = []
  for (let pageToken = ''; ; ) {
    const page = await reports().listTestCases({ runId, pageSize: 2, pageToken })
    all.push(...page.cases.map(({ test: each }) => each!.name))
    pageToken = page.nextPageToken
    if (pageToken === '') break
  }
  expect(all).toEqual(['b1', 'b2', 'a1', 'a2', 'b3'])
  const names = async (request: object) =>
    (await reports().listTestCases({ runId, ...request })).cases.map(({ test: each }) => each!.name)
  expect(await names({ query: 'CART' })).toEqual(['b1', 'a1'])
  expect(await names({ result: PASSED })).toEqual(['a1', 'a2'])
  expect(await names({ stepId: 'a' })).toEqual(['a1', 'a2'])
  const [first] = (await reports().listTestCases({ runId })).cases
  expect(first).toMatchObject({
    stepId: 'b',
    attempt: 1,
    newFailure: false,
    test: { message: 'no', output: '', details: '' },
  })
  const read = await reports().getTestCase({ runId, id: first!.id })
  expect(read).toMatchObject({ listed: { id: first!.id }, test: { name: 'b1', details: 'stack', output: 'printed' } })
  const other = await world.startRun([{ id: 'a' }])
  await control.take()
  for (const id of ['x', `${first!.id}9`, 'a.0.0']) {
    await expect(reports().getTestCase({ runId, id })).rejects.toMatchObject({ code: Code.NotFound })
  }
  await expect(reports().getTestCase({ runId: other, id: first!.id })).rejects.toMatchObject({ code: Code.NotFound })
  expect(await reports().getTestReport({ runId: other })).toMatchObject({ steps: [], newFailures: 0 })
  control.cut()
})

test('of a step that is tried again the last attempt counts; failures are new beside the last run of the branch', async () => {
  const control = agent.control()
  await control.hello()
  const projectId = await world.controller.addProject()
  const pipelineId = world.controller.owner.userId.replace(/^.{4}/, 'feed')
  const coverage = (linesHit: number) => ({ coverage: { lines: 100, linesHit } })
  const run = async (git: object, cases: Case[], more: object) => {
    const runId = await world.startRun([{ id: 'a' }], projectId, { pipelineId, git })
    await report(control, cases, more)
    return runId
  }
  const ok = { name: 'ok' }
  const bad = (name: string) => ({ name, result: FAILED })
  const main = { branch: 'main' }
  const green = await run(main, [ok], coverage(80))
  const red = await run(main, [ok, bad('old')], coverage(70))
  await run({ branch: 'other' }, [bad('elsewhere')], coverage(1))
  const pull = { branch: 'topic', pullRequest: 7, baseBranch: 'main' }
  const first = await run(pull, [bad('old'), bad('new')], coverage(75))
  const report1 = await reports().getTestReport({ runId: first })
  expect(report1).toMatchObject({
    totals: { failed: 2, passed: 0 },
    before: { runId: red, branch: 'main' },
    totalsBefore: { failed: 1, passed: 1 },
    newFailures: 1,
    coverage: { lines: 100, linesHit: 75 },
    coverageBase: { runId: green },
    coverageBefore: { linesHit: 80 },
    steps: [{ stepId: 'a', attempt: 1, totals: { failed: 2 } }],
  })
  const { cases } = await reports().listTestCases({ runId: first })
  expect(cases.map(({ test: each, newFailure }) => [each!.name, newFailure])).toEqual([
    ['old', false],
    ['new', true],
  ])
  const second = await run(pull, [bad('new')], {})
  expect(await reports().getTestReport({ runId: second })).toMatchObject({ before: { runId: first }, newFailures: 0 })

  const again = await world.startRun([{ id: 'a', retry: { max: 1 } }], projectId, { pipelineId, git: main })
  await report(control, [bad('once'), ok])
  await report(control, [{ name: 'once' }, ok])
  await world.untilStep(again, 'a', StepStatus.SUCCEEDED)
  expect(await reports().getTestReport({ runId: again })).toMatchObject({ totals: { failed: 0, passed: 2 } })
  const listed = await reports().listTestCases({ runId: again })
  expect(listed.cases.map(({ test: each, attempt }) => [each!.name, attempt])).toEqual([
    ['once', 2],
    ['ok', 2],
  ])
  control.cut()
})

test('of tests an agent that keeps no limit is cut to it, and what cannot be read is none', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'a' }])
  const good = blockOf(PASSED, [
    { name: `n\0${'n'.repeat(5000)}`, output: 'o'.repeat(20_000), durationMs: -1, line: 2 ** 32 - 1 },
  ])
  const blocks = [
    good,
    { ...good, result: 99 as TestResult },
    { ...good, unpackedSize: limits.testBlockBytes + 1 },
    { ...good, packed: Buffer.from('no frame') },
    // A frame of very much, of more tests than are said, and of something else.
    blockOf(FAILED, [{ name: 'bomb', output: 'x'.repeat(10_000_000) }]),
    {
      ...blockOf(
        FAILED,
        Array.from({ length: 5 }, () => ({})),
      ),
      count: 4,
    },
    { ...good, packed: Buffer.alloc(limits.testPackedBytes) },
  ]
  const { job } = await control.take()
  const tests = { passed: 2 ** 32 - 1, failed: 3, durationMs: Number.NaN }
  control.say({
    case: 'finished',
    value: {
      job,
      outcome: Outcome.SUCCEEDED,
      exitCode: 0,
      reports: { tests, blocks, coverage: { lines: 1, linesHit: 9 } },
    },
  })
  await world.untilStep(runId, 'a', StepStatus.SUCCEEDED)
  const { totals, coverage } = await reports().getTestReport({ runId })
  expect(totals).toMatchObject({ passed: 2 ** 31 - 1, failed: 3, durationMs: 0 })
  expect(coverage).toMatchObject({ lines: 1, linesHit: 1 })
  const { cases } = await reports().listTestCases({ runId })
  expect(cases).toMatchObject([{ test: { name: `n${'n'.repeat(limits.testName - 2)}`, line: 0, durationMs: 0 } }])
  const read = await reports().getTestCase({ runId, id: cases[0]!.id })
  expect(read.test!.output).toHaveLength(limits.testOutput)
  control.cut()
})

test('a step says so when its agent is too old to read its reports', async () => {
  const control = agent.control()
  await control.hello()
  const runId = await world.startRun([{ id: 'a', reports: { junit: ['a.xml'] } }])
  const { job } = await control.take()
  control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0 } })
  await world.untilStep(runId, 'a', StepStatus.SUCCEEDED)
  const { annotations } = await reports().listAnnotations({ runId })
  expect(annotations).toMatchObject([{ annotation: { level: WARNING, title: 'Reports' } }])
  expect(annotations[0]!.annotation!.message).toContain('too old')
  control.cut()
})
