// Secrets of projects.
import { feature } from '../../feature.ts'
import { KeyRingEntity } from './key-ring.entity.ts'
import { lackingSecrets } from './lacking-secrets.ts'
import { SealedValueEntity } from './sealed-value.entity.ts'
import { createSealedValues } from './sealed-values.ts'
import { SecretEntity } from './secret.entity.ts'
import { secretsApi } from './secrets.api.ts'
import { createSecrets } from './secrets.ts'

export const secretsFeature = feature({
  name: 'secrets',
  entities: [SecretEntity, SealedValueEntity, KeyRingEntity],
  open({ clock, keys }) {
    const secrets = createSecrets(keys)
    return {
      services: [secretsApi({ clock, secrets })],
      pipelineParticipants: [{ name: 'secrets', lacking: lackingSecrets }],
      deletions: [secrets.removeAll],
      environmentDeletions: [secrets.removeOfEnvironment],
      gives: { ...secrets, sealedValues: createSealedValues(keys) },
    }
  },
})
