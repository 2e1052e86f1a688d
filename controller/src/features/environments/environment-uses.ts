// Which pipelines name which environments: kept when versions are published, asked for when an environment is looked at or goes.
import { suggestion } from '@ansflow/proto/suggest'
import { say } from '@ansflow/proto/texts/say'
import { problemOf } from '@ansflow/proto/validate'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { type PipelineParticipant, pipelineNames } from '../pipelines/index.ts'
import { EnvironmentUseEntity } from './environment.entity.ts'
import { environmentsOf } from './environments.ts'

export const environmentKeeper: PipelineParticipant = {
  name: 'environments',

  async published(em, { pipeline, environments }) {
    const { id: pipelineId, projectId } = pipeline
    await em.nativeDelete(EnvironmentUseEntity, { pipelineId })
    if (environments.length === 0) return
    const rows = environments.map(({ stepId, name }) => ({
      id: uuidv7(),
      projectId,
      pipelineId,
      environment: name,
      stepId,
    }))
    await em.insertMany(EnvironmentUseEntity, rows)
  },

  async lacking(em, { organizationId, projectId, demands, may }) {
    const { environments } = demands
    if (environments.length === 0 || !may('environment.read', { organizationId, projectId })) return []
    const known = (await environmentsOf(em, projectId)).map(({ name }) => name)
    return environments
      .filter(({ name }) => !known.includes(name))
      .map(({ stepId, name }) => {
        const { near, only } = suggestion(name, known)
        const guess = near ?? only
        const said = say('environment_absent', { name, ...(guess !== undefined && { near: guess }) })
        return problemOf({ stepId, field: 'environment', said, warning: true })
      })
  },

  async deleted(em, pipelineId) {
    await em.nativeDelete(EnvironmentUseEntity, { pipelineId })
  },
}

const mostUses = 200

/** By the names of the pipelines, at most 200. */
export async function usesOf(em: EntityManager, projectId: string, environment: string) {
  const rows = await em.find(
    EnvironmentUseEntity,
    { projectId, environment },
    { limit: mostUses, orderBy: { id: 'asc' } },
  )
  const names = await pipelineNames(em, [...new Set(rows.map(({ pipelineId }) => pipelineId))])
  return rows
    .map(({ pipelineId, stepId }) => ({ pipelineId, pipelineName: names.get(pipelineId)?.name ?? '', stepId }))
    .sort((a, b) => (`${a.pipelineName} ${a.stepId}` < `${b.pipelineName} ${b.stepId}` ? -1 : 1))
}
