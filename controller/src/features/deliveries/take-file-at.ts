// One file of a repository at a commit, taken as the pipeline that it is.
import { AppError } from '@ansflow/proto/errors'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { limits } from '@ansflow/proto/limits'
import { type Said, say } from '@ansflow/proto/texts/say'
import { GitError, type GitMirror } from '../../platform/git/git.ts'
import type { CallContext } from '../../transport/call.ts'
import type { StillHead, TakeFile, TakenFile } from '../pipelines/index.ts'
import type { RepositoryRow } from '../repositories/index.ts'
import { refusalOf } from '../runs/index.ts'

export interface TakeDeps {
  takeFile(asked: TakeFile): Promise<TakenFile>
  /** As an act of the repository's. */
  change: CallContext['change']
  now: Date
}

export type TakenAt = { taken: NonNullable<TakenFile['taken']>; isMade?: true } | { why: Said } | { isTemplates: true }

export async function takeFileAt(
  { takeFile, change, now }: TakeDeps,
  { repository, mirror }: { repository: RepositoryRow; mirror: GitMirror },
  {
    path,
    commit,
    isHead,
    ofStrangers,
  }: { path: string; commit: string; isHead: false | StillHead } & Pick<TakeFile, 'ofStrangers'>,
): Promise<TakenAt> {
  let yaml: string | undefined
  try {
    yaml = await mirror.file(commit, path, limits.fileBytes)
  } catch (error) {
    const isOfFile = error instanceof GitError && (error.fault === 'too_large' || error.fault === 'refused')
    if (!isOfFile) throw error
    return { why: say('delivery_file_unread', { path, detail: error.message }) }
  }
  if (yaml === undefined) return { why: say('delivery_file_unread', { path, detail: 'it is gone' }) }
  const { organizationId, projectId, id: repositoryId, fullName } = repository
  const asked: TakeFile = {
    scope: { organizationId, projectId },
    file: { repositoryId, path },
    yaml,
    files: {
      read: (beside) => mirror.file(commit, beside, limits.includedBytes),
      list: (folder) => mirror.list(commit, folder),
    },
    note: `${fullName} ${commit.slice(0, 12)}`,
    author: fullName,
    isHead: isHead !== false,
    ...(isHead && { stillHead: isHead }),
    ofStrangers,
    change,
    now,
  }
  const answer = await takeFile(asked).catch(refusalOf)
  if (answer instanceof AppError) {
    return { why: say('delivery_file_unread', { path, detail: answer.message.slice(0, 200) }) }
  }
  const { problems, name, taken, isTemplates, isMade } = answer
  if (isTemplates) return { isTemplates }
  const wrong = problems.find(({ severity }) => severity === Severity.ERROR)
  if (wrong) {
    const problem = { code: wrong.code, params: wrong.params } as Said
    return { why: say('delivery_file', { path, problem }) }
  }
  if (taken) return { taken, ...(isMade && { isMade }) }
  if (answer.leftTo) return { why: say('delivery_left', { path, name: answer.leftTo.name }) }
  return { why: ofStrangers ? say('delivery_new_file', { path }) : say('delivery_name', { path, name }) }
}
