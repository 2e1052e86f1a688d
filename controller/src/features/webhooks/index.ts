// What other features may use of webhooks.
export { webhooksFeature } from './feature.ts'
