// What others may use of approvals.
export { approvalsFeature } from './feature.ts'
