// A run that another run has asked for, from then until the asking run knows its end: what is to be done about it next.
import { defineEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const ChainedRunEntity = defineEntity({
  name: 'ChainedRun',
  tableName: 'chained_run',
  indexes: [{ properties: ['todo', 'id'] }, { properties: ['projectId'] }],
  properties: {
    /** Of the run that is asked for: it is begun under it, whoever begins it. */
    id: id().primary(),
    /** Of the run that asks. */
    runId: id(),
    projectId: id(),
    organizationId: id(),
    /** "build #12": who canceled it, if it comes to that. */
    runName: p.string().length(255),
    /** The step that asks; empty: a trigger of the other pipeline has it begun. */
    stepId: p.string().length(72),
    /** JSON of the engine's RunAsk; of a trigger, of a TriggeredAsk. */
    ask: p.text().columnType('mediumtext'),
    /** `begin`, `tell` that it has begun, `wait`, `end` (tell its end), `cancel`. */
    todo: p.string().length(8),
    /** Once it has begun. */
    pipelineName: p.string().length(255),
    number: p.integer(),
    /** Once it has ended: ansflow.v1.RunStatus, and JSON of what it says. */
    status: p.integer(),
    outputs: p.text().columnType('mediumtext').nullable(),
  },
})
