// Which files of a repository could be included, for whoever chooses one.
import type { Include } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { limits } from '@ansflow/proto/limits'
import type { EntityManager } from '../../../platform/db.ts'
import { PipelineEntity } from '../pipeline.entity.ts'
import type { IncludeSources } from './include-sources.ts'
import type { PlainInclude } from './resolve-includes.ts'

const folders = ['.ansflow', '.ansflow/templates']
const mostFiles = 100

/** Paths; without those that are pipelines themselves. */
export async function templateFiles(
  em: EntityManager,
  { files }: IncludeSources,
  pipelineId: string,
): Promise<string[]> {
  if (!files) return []
  const found: string[] = []
  for (const folder of folders) found.push(...(await files.list(folder)).map((name) => `${folder}/${name}`))
  const paths = found.filter((path) => /\.ya?ml$/.test(path) && path.length <= limits.includePath).slice(0, mostFiles)
  const home = await em.findOne(PipelineEntity, { id: pipelineId })
  const taken = await em.find(PipelineEntity, { repositoryId: home?.repositoryId ?? '', filePath: { $in: paths } })
  const isPipeline = new Set(taken.map(({ filePath }) => filePath))
  return paths.filter((path) => !isPipeline.has(path))
}

export function plainInclude({ file, pipeline, version }: Include): PlainInclude {
  return { file, pipeline, version }
}
