// What other features may use of secrets.
export { SecretEntity } from './secret.entity.ts'
export { createSecrets, type Secrets } from './secrets.ts'
