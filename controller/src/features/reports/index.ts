// What other features may use of reports.
export { reportsFeature } from './feature.ts'
