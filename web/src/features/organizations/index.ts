// What other features may use of organizations: the table of members.
export { default as MembersPanel } from './MembersPanel.vue'
export type { MembersSource } from './members-source.ts'
