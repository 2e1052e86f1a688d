// The tables of runs. Rows are written by the run driver's own statements; the entities are their schema.
import { defineEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const RunEntity = defineEntity({
  name: 'Run',
  tableName: 'run',
  uniques: [{ properties: ['pipelineId', 'number'] }],
  indexes: [
    { properties: ['organizationId', 'id'] },
    { properties: ['projectId', 'id'] },
    { properties: ['startedBy', 'id'] },
    { properties: ['authorMail', 'id'] },
    { properties: ['status', 'wakeAt'] },
    { properties: ['graphHash'] },
  ],
  properties: {
    id: id().primary(),
    number: p.integer(),
    organizationId: id(),
    projectId: id(),
    projectSlug: p.string().length(64),
    pipelineId: id(),
    pipelineName: p.string().length(255),
    /** 0: the frozen draft. */
    version: p.integer(),
    graphHash: p.string().length(64),
    /** JSON. */
    inputs: p.text().columnType('mediumtext'),
    status: p.integer(),
    /** JSON of the engine's reason. */
    reason: p.text().nullable(),
    /** Incremented by every commit; who saw another one lost the race. */
    revision: p.integer(),
    /** Sequence number of the last run_event. */
    seq: p.integer(),
    /** JSON: what it says, once it has succeeded; null: nothing. */
    outputs: p.text().columnType('mediumtext').nullable(),
    /** JSON: number of steps by status. */
    stepCounts: p.string().length(255),
    /** The person who started it, by themselves or by a token; empty: nobody. */
    startedBy: p.string().length(36),
    /** Of the commit that it is for, in small letters; empty: none is known. */
    authorMail: p.string().length(255).default(''),
    /** JSON of ansflow.v1.RunOrigin. */
    origin: p.text(),
    /** JSON of the engine's InheritedVariables; null: none. */
    variables: p.text().columnType('mediumtext').nullable(),
    /** JSON of the engine's RunEnvironments; null: no step deploys. */
    environments: p.text().columnType('mediumtext').nullable(),
    /** Of its jobs: the higher go first. */
    priority: p.integer().default(0),
    rerunOf: p.string().length(36),
    cancelLevel: p.integer(),
    cancelCause: p.string().length(32).nullable(),
    canceledBy: p.string().length(36),
    canceledByName: p.string().length(255),
    cancelRequestedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    startedAt: p.datetime(3).nullable(),
    finishedAt: p.datetime(3).nullable(),
    deadline: p.datetime(3).nullable(),
    /** When the run wants to be looked at again. */
    wakeAt: p.datetime(3).nullable(),
  },
})

/** Last run number of each pipeline. */
export const RunCounterEntity = defineEntity({
  name: 'RunCounter',
  tableName: 'run_counter',
  properties: { pipelineId: id().primary(), last: p.integer() },
})

/** Frozen graphs, each stored once. */
export const RunGraphEntity = defineEntity({
  name: 'RunGraph',
  tableName: 'run_graph',
  properties: {
    /** SHA-256 of data. */
    hash: p.string().length(64).primary(),
    /** ansflow.v1.PipelineGraph. */
    data: p.blob().columnType('longblob'),
  },
})

/** A step that is no longer blocked; the others follow from the graph. Copies of a step are here from when they are known. */
export const RunStepEntity = defineEntity({
  name: 'RunStep',
  tableName: 'run_step',
  properties: {
    runId: id().primary(),
    /** The key in the file; of a copy that with its index. */
    stepId: p.string().length(72).primary(),
    /** JSON of the engine's StoredCopy: what made a copy, with its values. */
    copy: p.text().columnType('mediumtext').nullable(),
    /** The engine's: blocked, held, delayed, job, awaiting, copies or ended. */
    phase: p.string().length(16).default('ended'),
    /** JSON of what it awaits, while it is awaiting. */
    awaits: p.text().nullable(),
    status: p.integer(),
    reason: p.text().nullable(),
    /** JSON. */
    outputs: p.text().columnType('mediumtext'),
    /** JSON of what it has set for the steps that need it. */
    exports: p.text().columnType('mediumtext').nullable(),
    failureAllowed: p.boolean(),
    /** JSON of the engine's ReusedFrom: it was not run, but is what it was in that run. */
    reused: p.string().length(128).nullable(),
    queuedAt: p.datetime(3).nullable(),
    startedAt: p.datetime(3).nullable(),
    finishedAt: p.datetime(3).nullable(),
    dueAt: p.datetime(3).nullable(),
  },
})

/** What a run went through, one row a commit: what live viewers read. */
export const RunEventEntity = defineEntity({
  name: 'RunEvent',
  tableName: 'run_event',
  properties: {
    runId: id().primary(),
    seq: p.integer().primary(),
    /** ansflow.v1.WatchRunResponse. */
    data: p.blob().columnType('longblob'),
  },
})
