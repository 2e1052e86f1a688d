// What pipelines have of one another: which their latest versions start, and by whose ends they are started. Who publishes one has
// to be allowed to start those, or to see them, and no pipeline starts itself, however far around.
import type { Permission, ProjectScope } from '@ansflow/proto/access'
import { type Problem, RunTriggerSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { shortText, wayText } from '@ansflow/proto/texts/parts'
import type { Said } from '@ansflow/proto/texts/say'
import { say } from '@ansflow/proto/texts/say'
import { problemOf } from '@ansflow/proto/validate'
import { toJsonString } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import {
  findPipelineNamed,
  type NewVersion,
  type PipelineParticipant,
  pipelineNames,
  problemsAsViolations,
} from '../pipelines/index.ts'
import { organizationOfProject } from '../projects/index.ts'
import { PipelineLinkEntity } from './pipeline-link.entity.ts'

export const linkKeeper: PipelineParticipant = {
  name: 'chains',

  async published(em, version) {
    const { pipeline } = version
    await em.nativeDelete(PipelineLinkEntity, { ownerId: pipeline.id })
    const problems: Problem[] = []
    for (const wanted of wantedBy(version)) {
      const refuse = (said: Said) => problems.push(problemOf({ said, ...wanted.at }))
      const other = await findPipelineNamed(em, pipeline.projectId, wanted.pipeline)
      const name = shortText(wanted.pipeline)
      const scope = other && (await scopeOf(em, other.projectId))
      if (!other || !scope) refuse(say('call_missing', { name }))
      else if (!version.may(wanted.permission, scope)) {
        const forbidden = wanted.permission === 'run.start' ? 'call_forbidden' : 'trigger_forbidden'
        refuse(say(refusalFor(version, scope, forbidden), { name }))
      } else {
        const [fromId, toId] = wanted.kind === 'step' ? [pipeline.id, other.id] : [other.id, pipeline.id]
        await em.insert(PipelineLinkEntity, {
          ...{ id: uuidv7(), ownerId: pipeline.id, projectId: pipeline.projectId, fromId, toId, kind: wanted.kind },
          ...{ place: wanted.place, definition: wanted.definition, lastAt: null, lastRunId: null, lastProblem: '' },
        })
        const around = await wayBack(em, toId, fromId)
        if (around) refuse(say('call_cycle', { chain: await chainText(em, version, [fromId, ...around]) }))
      }
    }
    if (problems.length > 0) throw problemsAsViolations(problems)
  },

  async deleted(em, pipelineId) {
    const itself = [{ ownerId: pipelineId }, { fromId: pipelineId }, { toId: pipelineId }]
    await em.nativeDelete(PipelineLinkEntity, { $or: itself })
  },
}

/** Of one that they may not see is said what is said of one that is not there. */
export function refusalFor<Code extends string>(
  { may }: Pick<NewVersion, 'may'>,
  scope: ProjectScope,
  forbidden: Code,
): Code | 'call_missing' {
  return may('pipeline.read', scope) ? forbidden : 'call_missing'
}

interface Wanted {
  pipeline: string
  kind: 'step' | 'run'
  place: number
  /** That whoever publishes it needs there. */
  permission: Permission
  at: { stepId?: string; field: string }
  definition: string | null
}

function wantedBy({ calls, triggers }: NewVersion): Wanted[] {
  return [
    ...calls.map(({ stepId, pipeline }, place) => {
      const at = { stepId, field: 'with.pipeline' }
      return { pipeline, kind: 'step' as const, place, permission: 'run.start' as const, at, definition: null }
    }),
    ...(triggers?.runs ?? []).map((trigger, place) => {
      const at = { field: `on.run.${place}.pipeline` }
      const definition = toJsonString(RunTriggerSchema, trigger)
      return {
        pipeline: trigger.pipeline,
        kind: 'run' as const,
        place,
        permission: 'run.read' as const,
        at,
        definition,
      }
    }),
  ]
}

export async function deleteLinksOf(em: EntityManager, projectId: string): Promise<void> {
  await em.nativeDelete(PipelineLinkEntity, { projectId })
}

export async function scopeOf(em: EntityManager, projectId: string): Promise<ProjectScope> {
  return { organizationId: (await organizationOfProject(em, projectId)) ?? '', projectId }
}

/** Looked at; a chain that is longer stops by its depth. */
const mostPipelines = 1000

/** The pipelines on the way from one to the other, with both; undefined: there is none. */
async function wayBack(em: EntityManager, fromId: string, toId: string): Promise<string[] | undefined> {
  const before = new Map<string, string | undefined>([[fromId, undefined]])
  let reached = [fromId]
  while (reached.length > 0 && before.size < mostPipelines && !before.has(toId)) {
    const links = await em.find(PipelineLinkEntity, { fromId: { $in: reached } }, { orderBy: { id: 'asc' } })
    reached = []
    for (const link of links) {
      if (before.has(link.toId)) continue
      before.set(link.toId, link.fromId)
      reached.push(link.toId)
    }
  }
  if (!before.has(toId)) return undefined
  const way: string[] = []
  for (let at: string | undefined = toId; at !== undefined; at = before.get(at)) way.unshift(at)
  return way
}

/** Those that whoever publishes may not see stand there without their names. */
async function chainText(em: EntityManager, { pipeline, may }: NewVersion, way: readonly string[]): Promise<string> {
  const named = await pipelineNames(em, way)
  const parts: string[] = []
  for (const id of way) {
    const other = named.get(id)
    if (id === pipeline.id) parts.push(pipeline.name)
    else parts.push(other && may('pipeline.read', await scopeOf(em, other.projectId)) ? other.name : '…')
  }
  return wayText(parts)
}
