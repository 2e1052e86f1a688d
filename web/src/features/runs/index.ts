// What other features of the console use of runs.
export { reasonText } from './reason-text.ts'
export { useRunFeed, withRun } from './run-feed.ts'
export { useRun } from './use-run.ts'
export { useRuns } from './use-runs.ts'
