// The secrets that a draft's steps name and neither their environment nor the project has: each such step would fail. Told to who may
// read their names.
import { say } from '@ansflow/proto/texts/say'
import { problemOf } from '@ansflow/proto/validate'
import { environmentsOf } from '../environments/index.ts'
import type { PipelineParticipant } from '../pipelines/index.ts'
import { SecretEntity } from './secret.entity.ts'

export const lackingSecrets: NonNullable<PipelineParticipant['lacking']> = async (em, draft) => {
  const { organizationId, projectId, demands, may } = draft
  const { secrets } = demands
  if (secrets.length === 0 || !may('secret.read', { organizationId, projectId })) return []
  const names = secrets.map(({ name }) => name)
  const rows = await em.find(SecretEntity, { projectId, name: { $in: names } }, { fields: ['name', 'environmentId'] })
  const some = rows.some(({ environmentId }) => environmentId !== '')
  const environments = new Map((some ? await environmentsOf(em, projectId) : []).map(({ id, name }) => [id, name]))
  return secrets
    .filter(
      ({ name, environment }) =>
        !rows.some(({ name: known, environmentId: of }) => {
          return known === name && (of === '' || environment === undefined || environments.get(of) === environment)
        }),
    )
    .map(({ stepId, name }) =>
      problemOf({ stepId, field: 'secrets', said: say('secret_absent', { name }), warning: true }),
    )
}
