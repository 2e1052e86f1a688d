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
