// That runs of one pipeline start runs of another, as their latest versions say.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

export const PipelineLinkEntity = defineEntity({
  name: 'PipelineLink',
  tableName: 'pipeline_link',
  indexes: [{ properties: ['ownerId'] }, { properties: ['fromId', 'kind'] }, { properties: ['projectId'] }],
  properties: {
    id: id().primary(),
    /** The pipeline whose version says so, and its project. */
    ownerId: id(),
    projectId: id(),
    fromId: id(),
    toId: id(),
    /** `step`: a step of the first runs the second; `run`: the second starts when a run of the first has ended. */
    kind: p.string().length(8),
    /** In the file's order; of those of one kind. */
    place: p.integer(),
    /** Of `run`: JSON of a RunTrigger message. */
    definition: p.text().nullable(),
    /** Of `run`: what became of the end that fitted it last. */
    lastAt: p.datetime(3).nullable(),
    lastRunId: id().nullable(),
    /** Why none was started. */
    lastProblem: p.string().length(512),
  },
})

export type PipelineLinkRow = InferEntity<typeof PipelineLinkEntity>
