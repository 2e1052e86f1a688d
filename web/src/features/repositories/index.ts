// What other features of the console use of repositories.
export { default as BrokenCard } from './BrokenCard.vue'
export { default as CommitPicker } from './CommitPicker.vue'
export { default as FileChip } from './FileChip.vue'
export { useRepositoryOfPipeline } from './use-repository-of-pipeline.ts'
