// What other features of the console use of connections.
export { default as ConnectionFields } from './ConnectionFields.vue'
export {
  type ConnectionDraft,
  credentialsOf,
  fieldsOfConnection,
  isWhole,
  nameOf,
  newDraft,
} from './connection-draft.ts'
export { daysLeft, healthOf } from './connection-health.ts'
export { credentialWord, kindOfForge } from './forge-kinds.ts'
