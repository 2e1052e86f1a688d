// The pipeline that a file of a repository is at a commit, without it becoming one of its versions.
import { invalid, invalidField, notFound, violation } from '@ansflow/proto/errors'
import { say } from '@ansflow/proto/texts/say'
import type { EntityManager } from '../../platform/db.ts'
import { findPipeline, type RunnableGraph } from '../pipelines/index.ts'
import { readable } from '../repositories/index.ts'
import type { ExplainDeps } from './explain-event.ts'
import { takeFileAt } from './take-file-at.ts'

export type FileAtCommit = (
  em: EntityManager,
  asked: { pipelineId: string; commit: string },
) => Promise<Omit<RunnableGraph, 'hash'>>

/** Throws `not_found`, `invalid_argument` (what is wrong with the file), `failed_precondition` "repository_unread". */
export function fileAtCommit({
  clock,
  repositories,
  foreseeFiles,
}: Pick<ExplainDeps, 'clock' | 'repositories' | 'foreseeFiles'>): FileAtCommit {
  return async (em, { pipelineId, commit }) => {
    const field = 'commit'
    const pipeline = await findPipeline(em, pipelineId)
    if (!pipeline) throw notFound('pipeline', pipelineId)
    if (!pipeline.repositoryId) throw invalidField(field, 'must be empty: the pipeline is no file of a repository')
    if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) {
      throw invalidField(field, 'must be 40 or 64 hexadecimal digits, in small letters')
    }
    const repository = await repositories.load(em, pipeline.repositoryId)
    const mirror = repositories.mirrorOf(repository)
    const deps = {
      takeFile: foreseeFiles(),
      change: () => Promise.reject(new Error('Explaining changes nothing.')),
      now: clock.now(),
    }
    const read = await readable(repository, async () => {
      if (!(await mirror.commit(commit))) throw notFound('commit', commit)
      return takeFileAt(
        deps,
        { repository, mirror },
        { path: pipeline.filePath, commit, isHead: false, ofStrangers: false },
      )
    })
    if ('isTemplates' in read) throw invalid([violation(field, say('empty'))])
    if ('why' in read) throw invalid([violation(field, read.why)])
    return { pipeline, graph: read.taken.graph, version: read.taken.version }
  }
}
