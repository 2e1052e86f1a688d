// What attempts tell people, through the API of a started controller, told by an agent that the test plays.
import { createHash } from 'node:crypto'
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { AnnotationLevel, ReportService } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { limits } from '@ansflow/proto/limits'
import { Code } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentWorld } from '../agents/test/agent-world.ts'
import type { FakeAgent } from '../agents/test/fake-agent.ts'
import type { ReportTables } from './report-tables.ts'

const { ERROR, WARNING, NOTICE } = AnnotationLevel

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
    },
  })
  await world.untilStep(runId, 'a', StepStatus.SUCCEEDED)
  const { db, owner } = world.controller
  const left = async (table: 'annotation' | 'summary') =>
    (await db.kysely<ReportTables>().selectFrom(table).select('job_id').where('run_id', '=', runId).execute()).length
  expect([await left('annotation'), await left('summary')]).toEqual([1, 1])
  await world.controller.as(owner).client(ProjectService).deleteProject({ projectId })
  expect([await left('annotation'), await left('summary')]).toEqual([0, 0])
  control.cut()
})
