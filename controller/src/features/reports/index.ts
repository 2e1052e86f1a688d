// What other features may use of reports.
export { reportsFeature } from './feature.ts'
export { type RunAnnotation, runAnnotations } from './run-annotations.ts'
export { lastCoverage, type RunTests, runTests } from './run-tests.ts'
