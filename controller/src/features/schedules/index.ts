// What other parts may use of schedules.
export { schedulesFeature } from './feature.ts'
