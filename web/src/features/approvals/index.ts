// What other features of the console use of approvals.
export { default as ApprovalRow } from './ApprovalRow.vue'
export { default as StepApproval } from './StepApproval.vue'
export { useApprovals } from './use-approvals.ts'
