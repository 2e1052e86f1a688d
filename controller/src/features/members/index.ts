// What other features may use of members.
export { type MembersDeps, membersApi } from './members.api.ts'
