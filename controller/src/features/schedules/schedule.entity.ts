// A schedule of the latest version of a pipeline, and when it is due next.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const ScheduleEntity = defineEntity({
  name: 'Schedule',
  tableName: 'schedule',
  uniques: [{ properties: ['pipelineId', 'name'] }],
  indexes: [{ properties: ['nextAt'] }, { properties: ['projectId'] }],
  properties: {
    id: id().primary(),
    projectId: id(),
    pipelineId: id(),
    /** Its own, or its cron expression. */
    name: p.string().length(128),
    /** In the file's order. */
    place: p.integer(),
    /** JSON of a Schedule message. */
    definition: p.text(),
    /** Who published the version that brought it. */
    ownerId: id(),
    ownerName: p.string().length(255),
    /** Null: it is paused, or never comes again. */
    nextAt: p.datetime(3).nullable(),
    /** Id of the run for `nextAt`, from when its start is tried: whoever tries it, and however often, starts one. */
    startingRunId: id().nullable(),
    pausedAt: p.datetime(3).nullable(),
    pausedBy: p.string().length(255),
    /** The moment for which a run was started, or left out, at last. */
    lastDueAt: p.datetime(3).nullable(),
    lastRunId: id().nullable(),
    /** Why none was started. */
    lastProblem: p.string().length(512),
  },
})

export type ScheduleRow = InferEntity<typeof ScheduleEntity>
