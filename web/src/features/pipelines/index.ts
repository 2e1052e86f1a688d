// What other features may use of pipelines.

export { type GraphDiff, graphDiff } from '@ansflow/proto/graph-diff'
export { default as ExplainedList } from './editor/explain/ExplainedList.vue'
export { onCanvas } from './editor/explain/explain-asked.ts'
export { default as GraphDiffList } from './editor/publish/DiffList.vue'
export { default as StartRunDialog } from './StartRunDialog.vue'
