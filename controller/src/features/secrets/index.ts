// What other features may use of secrets.

export { KeyRingEntity } from './key-ring.entity.ts'
export { openKeyRing } from './key-ring.ts'
export { SecretEntity } from './secret.entity.ts'
export { secretsApi } from './secrets.api.ts'
export { createSecrets, type Secrets } from './secrets.ts'
