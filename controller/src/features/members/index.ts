// What others may use of members.
export { membersFeature } from './feature.ts'
