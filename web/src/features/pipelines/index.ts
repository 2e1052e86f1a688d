// What other features may use of pipelines.

export { default as ExplainedList } from './editor/explain/ExplainedList.vue'
export { onCanvas } from './editor/explain/explain-asked.ts'
export { default as GraphDiffList } from './editor/publish/DiffList.vue'
export { type GraphDiff, graphDiff } from './graph-diff.ts'
export { default as StartRunDialog } from './StartRunDialog.vue'
