// What others may use of audit.
export { auditFeature } from './feature.ts'
