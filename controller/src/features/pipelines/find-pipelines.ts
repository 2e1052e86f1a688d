// What other features ask of pipelines: which one is called so, and who answers for a version.
import { pipelineParts } from '@ansflow/proto/child-run'
import type { InputDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { EntityManager } from '../../platform/db.ts'
import { findProject, findProjectBySlug } from '../projects/index.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { PipelineVersionEntity } from './pipeline-version.entity.ts'
import { graphOf, loadVersion } from './runnable-graph.ts'

export async function findPipeline(em: EntityManager, id: string): Promise<PipelineRow | undefined> {
  return (await em.findOne(PipelineEntity, { id })) ?? undefined
}

/** "name", of the same project, or "project/name" of the same organization. */
export async function findPipelineNamed(
  em: EntityManager,
  projectId: string,
  written: string,
): Promise<PipelineRow | undefined> {
  const { name, elsewhere } = pipelineParts(written)
  const here = await em.findOne(PipelineEntity, { projectId, name })
  if (here || !elsewhere) return here ?? undefined
  const from = await findProject(em, projectId)
  const project = from && (await findProjectBySlug(em, from.organizationId, elsewhere.project))
  return (project && (await em.findOne(PipelineEntity, { projectId: project.id, name: elsewhere.name }))) ?? undefined
}

/** What runs of its latest version ask for; undefined: it was never published. */
export async function inputsOfLatest(
  em: EntityManager,
  { id, latestVersion }: PipelineRow,
): Promise<readonly InputDefinition[] | undefined> {
  return latestVersion === 0 ? undefined : (await graphOf(await loadVersion(em, id, latestVersion))).inputs
}

/** By id; those that are gone are left out. */
export async function pipelineNames(
  em: EntityManager,
  ids: readonly string[],
): Promise<Map<string, { name: string; projectId: string }>> {
  const rows = await em.find(PipelineEntity, { id: { $in: [...ids] } })
  return new Map(rows.map(({ id, name, projectId }) => [id, { name, projectId }]))
}

/** Who published the version; undefined: there is none such. */
export async function publisherOf(
  em: EntityManager,
  pipelineId: string,
  number: number,
): Promise<{ userId: string; name: string } | undefined> {
  const row = await em.findOne(PipelineVersionEntity, { pipelineId, number })
  return row ? { userId: row.createdBy, name: row.createdByName } : undefined
}
