// What the controller itself has to do: a row for each such attempt that has not ended, beside its row in the job table.
import { defineEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const WorkEntity = defineEntity({
  name: 'Work',
  tableName: 'work',
  indexes: [{ properties: ['runId'] }],
  properties: {
    jobId: id().primary(),
    runId: id(),
    /** Who performs it: the step type's id. */
    kind: p.string().length(64),
    /** JSON, without values of secrets. */
    request: p.text().columnType('mediumtext'),
    secretMark: p.string().length(64),
    /** Fencing token, incremented by every controller that takes it. */
    epoch: p.integer(),
    /** By the database's clock: until then nobody else takes it. Null: nobody has it. */
    leasedUntil: p.datetime(3).nullable(),
  },
})
