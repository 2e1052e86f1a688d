// What other features of the console use of reports.
export { default as ReportCounts } from './ReportCounts.vue'
export { default as ReportView } from './ReportView.vue'
export { reportOf, reportTotal } from './report-of.ts'
export { default as TestsView } from './tests/TestsView.vue'
export { testTotal } from './tests/tests-of-run.ts'
