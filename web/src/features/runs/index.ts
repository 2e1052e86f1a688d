// What other features of the console use of runs.

export { reasonText } from '../../ui/status/reason-text.ts'
export { asksPeople, isUnreachable, pickStep, stepStatusName } from './pick-step.ts'
export { default as ReusedNote } from './ReusedNote.vue'
export { default as RunStarter } from './RunStarter.vue'
export { default as RerunDialog } from './rerun/RerunDialog.vue'
export { optionsOfStep, type RerunAsk } from './rerun/rerun-options.ts'
export { useRunFeed, withRun } from './run-feed.ts'
export { default as StepCounts } from './StepCounts.vue'
export { default as StepPanel } from './StepPanel.vue'
export { copiesByStep, hasCopies, inOrder } from './step-groups.ts'
export { useRun } from './use-run.ts'
export { useRuns } from './use-runs.ts'
