// What other features of the console use of runs.
export { isUnreachable, pickStep, stepStatusName } from './pick-step.ts'
export { default as RunStarter } from './RunStarter.vue'
export { reasonText } from './reason-text.ts'
export { useRunFeed, withRun } from './run-feed.ts'
export { default as StepPanel } from './StepPanel.vue'
export { useRun } from './use-run.ts'
export { useRuns } from './use-runs.ts'
