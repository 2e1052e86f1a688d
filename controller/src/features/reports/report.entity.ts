// What attempts have told people. Written with the run's own change: the entities are the schema.
import { defineEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)
/** More than an index takes: texts of people's tools. */
const text = () => p.text().columnType('mediumtext')

export const AnnotationEntity = defineEntity({
  name: 'Annotation',
  tableName: 'annotation',
  indexes: [{ properties: ['runId', 'urgency', 'jobId', 'place'] }],
  properties: {
    jobId: id().primary(),
    /** Among those of its job, in the order of the log. */
    place: p.integer().primary(),
    runId: id(),
    /** The step's key in the run. */
    stepId: p.string().length(72),
    attempt: p.integer(),
    /** ansflow.v1.AnnotationLevel. */
    level: p.integer(),
    /** 0 goes first: errors. */
    urgency: p.integer(),
    message: text(),
    title: text(),
    file: text(),
    line: p.integer(),
    endLine: p.integer(),
    col: p.integer(),
    endCol: p.integer(),
    /** Of its line in the job's log. */
    logOffset: p.bigint('number'),
  },
})

export const SummaryEntity = defineEntity({
  name: 'Summary',
  tableName: 'summary',
  indexes: [{ properties: ['runId', 'jobId'] }],
  properties: {
    jobId: id().primary(),
    runId: id(),
    stepId: p.string().length(72),
    attempt: p.integer(),
    markdown: text(),
    cut: p.boolean(),
  },
})

const share = () => p.integer().unsigned()

/** How the tests of an attempt have ended, and what they covered. */
export const TestReportEntity = defineEntity({
  name: 'TestReport',
  tableName: 'test_report',
  indexes: [
    { properties: ['runId', 'isReplaced', 'jobId'] },
    // The last of a branch: however many there are.
    { properties: ['pipelineId', 'scope', 'hasTests', 'runId'] },
    { properties: ['pipelineId', 'scope', 'hasCoverage', 'runId'] },
  ],
  properties: {
    jobId: id().primary(),
    runId: id(),
    pipelineId: id(),
    /** What its run is for: "b:main", "p:12" of a pull request, or nothing that is known. */
    scope: p.string().length(264),
    /** Where that is to be merged into; else the same. */
    baseScope: p.string().length(264),
    stepId: p.string().length(72),
    attempt: p.integer(),
    /** A later attempt of the step has reported, too. */
    isReplaced: p.boolean(),
    hasTests: p.boolean(),
    failed: share(),
    flaky: share(),
    passed: share(),
    skipped: share(),
    leftOut: share(),
    durationMs: p.double(),
    hasCoverage: p.boolean(),
    lines: share(),
    linesHit: share(),
    branches: share(),
    branchesHit: share(),
  },
})

/** Some tests of one result, as their agent has packed them. */
export const TestBlockEntity = defineEntity({
  name: 'TestBlock',
  tableName: 'test_block',
  indexes: [{ properties: ['runId', 'isReplaced', 'result', 'jobId', 'place'] }],
  properties: {
    jobId: id().primary(),
    /** Among those of its job. */
    place: p.integer().primary(),
    runId: id(),
    stepId: p.string().length(72),
    attempt: p.integer(),
    isReplaced: p.boolean(),
    /** ansflow.v1.TestResult. */
    result: p.integer(),
    count: p.integer(),
    unpackedSize: p.integer(),
    /** ansflow.v1.TestCases, as one frame of zstd: what an agent has sent. */
    packed: p.blob().columnType('mediumblob'),
  },
})
