// The secrets that a draft's steps name and the project does not have: each such step would fail. Told to who may read their names.
import { say } from '@ansflow/proto/texts/say'
import { problemOf } from '@ansflow/proto/validate'
import type { PipelineParticipant } from '../pipelines/index.ts'
import { SecretEntity } from './secret.entity.ts'

export const lackingSecrets: NonNullable<PipelineParticipant['lacking']> = async (em, draft) => {
  const { organizationId, projectId, demands, may } = draft
  const { secrets } = demands
  if (secrets.length === 0 || !may('secret.read', { organizationId, projectId })) return []
  const names = secrets.map(({ name }) => name)
  const rows = await em.find(SecretEntity, { projectId, name: { $in: names } }, { fields: ['name'] })
  const known = new Set(rows.map(({ name }) => name))
  return secrets
    .filter(({ name }) => !known.has(name))
    .map(({ stepId, name }) =>
      problemOf({ stepId, field: 'secrets', said: say('secret_absent', { name }), warning: true }),
    )
}
