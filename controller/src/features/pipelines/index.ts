// What other features may use of pipelines.
export { deriveDraft } from './derive-draft.ts'
export { appendUpdate, foldUpdates, readDraft, readHeads, type StoredDraft } from './draft-store.ts'
export { draftTasks } from './draft-task-file.ts'
export type { DraftNotice, Drafts } from './drafts.ts'
export { pipelinesFeature } from './feature.ts'
export { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
export { pipelineScope } from './pipeline-scope.ts'
export { type RunnableGraph, runnableGraph } from './runnable-graph.ts'
