// Where included templates are: files beside the pipeline's own, and versions of other pipelines, as whoever asks may read them.
import type { Permission, ProjectScope } from '@ansflow/proto/access'
import { nearest } from '@ansflow/proto/suggest'
import type { EntityManager } from '../../../platform/db.ts'
import type { CallContext } from '../../../transport/call.ts'
import { isAllowed } from '../../access/index.ts'
import { organizationOfProject } from '../../projects/index.ts'
import { findPipelineNamed } from '../find-pipelines.ts'
import { PipelineEntity, type PipelineRow } from '../pipeline.entity.ts'
import { PipelineVersionEntity } from '../pipeline-version.entity.ts'

/** Of one commit. Both reject with GitError. */
export interface CommitFiles {
  /** Undefined: there is none. */
  read(path: string): Promise<string | undefined>
  /** Names of the files of a folder. */
  list(folder: string): Promise<string[]>
}

export interface IncludeSources {
  /** Undefined: the pipeline is kept in AnsFlow. */
  files: CommitFiles | undefined
  /** Undefined: there is none that whoever asks may see. */
  pipeline(written: string): Promise<{ row: PipelineRow } | { near: string | undefined }>
  /** The graph of a version, as JSON. */
  version(pipeline: PipelineRow, number: number): Promise<string | undefined>
}

export type May = (permission: Permission, scope: ProjectScope) => boolean

interface Asker {
  projectId: string
  files: CommitFiles | undefined
  may: May
}

/** Names that are held against one that is not there. */
const mostNames = 1000

export function includeSources(em: EntityManager, { projectId, files, may }: Asker): IncludeSources {
  const mayRead = async (id: string) => {
    const scope = { organizationId: (await organizationOfProject(em, id)) ?? '', projectId: id }
    return may('pipeline.read', scope)
  }
  return {
    files,
    async pipeline(written) {
      const row = await findPipelineNamed(em, projectId, written)
      if (row && (await mayRead(row.projectId))) return { row }
      if (!(await mayRead(projectId))) return { near: undefined }
      const all = await em.find(PipelineEntity, { projectId }, { limit: mostNames, orderBy: { name: 'asc' } })
      return {
        near: nearest(
          written,
          all.map(({ name }) => name),
        ),
      }
    },
    async version({ id: pipelineId }, number) {
      const row = await em.findOne(PipelineVersionEntity, { pipelineId, number }, { populate: ['graph'] })
      return row?.graph
    },
  }
}

/** Files at the head of a repository's default branch, by its id; undefined: it is gone, or empty. */
export type HeadFiles = (em: EntityManager, repositoryId: string) => Promise<CommitFiles | undefined>

/** Of a draft that somebody works on. What a repository's files could not include, its draft does not either. */
export type DraftIncludes = (pipeline: Pick<PipelineRow, 'projectId' | 'repositoryId'>) => Promise<IncludeSources>

export function draftIncludes(headFiles: HeadFiles, { em, caller }: Pick<CallContext, 'em' | 'caller'>): DraftIncludes {
  return async ({ projectId, repositoryId }) => {
    const isWithin = (scope: ProjectScope) => repositoryId == null || scope.projectId === projectId
    return includeSources(em, {
      projectId,
      files: repositoryId == null ? undefined : await headFiles(em, repositoryId),
      may: (permission, scope) => isWithin(scope) && isAllowed(caller, permission, scope),
    })
  }
}
