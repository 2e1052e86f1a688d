// Where a draft goes: the file that its pipeline is, or one that it is to become.
import { AppError, invalidField, notFound, precondition } from '@ansflow/proto/errors'
import { ProposalWay } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { limits } from '@ansflow/proto/limits'
import { GitError, type GitMirror } from '../../platform/git/git.ts'
import type { CallContext } from '../../transport/call.ts'
import type { OpenConnection } from '../forges/index.ts'
import type { CommitFiles, PipelineRow, Proposing } from '../pipelines/index.ts'
import type { Repositories, RepositoryRow } from '../repositories/index.ts'
import { pushRefusal } from './push-errors.ts'

export interface Place {
  repository: RepositoryRow
  connection: OpenConnection
  mirror: GitMirror
  path: string
  /** The pipeline is kept in AnsFlow. */
  moves: boolean
  defaultBranch: string
  head: string
  /** The file as the default branch has it; undefined: there is none. */
  theirs: string | undefined
  ways: ProposalWay[]
  /** Of the default branch. */
  files: CommitFiles
}

interface Deps {
  repositories: Repositories
  proposing: Proposing
}

/** The repository is asked for what it holds now. */
export async function placeOf(
  { repositories, proposing }: Deps,
  ctx: CallContext,
  pipeline: PipelineRow,
  asked: { repositoryId: string; path: string },
  signal: AbortSignal,
): Promise<Place> {
  const { repositoryId, path, moves } = whereTo(pipeline, asked)
  const repository = await repositories.find(ctx.em, repositoryId)
  // Nobody learns of another project's by its id.
  if (repository?.projectId !== pipeline.projectId) throw notFound('repository', repositoryId)
  if (moves) {
    const owner = await proposing.ofFile(ctx.em, { repositoryId, path })
    if (owner && owner.id !== pipeline.id) {
      throw precondition('file_taken', `${path} is the pipeline ${owner.name}.`, { path, name: owner.name })
    }
  }
  const mirror = repositories.mirrorOf(repository)
  const connection = await repositories.connectionOf(ctx.em, repository)
  try {
    await mirror.fetch(signal)
    const { defaultBranch = repository.defaultBranch } = await mirror.refs()
    const head = await mirror.commit(`refs/heads/${defaultBranch}`)
    if (!head) {
      const message = `${repository.fullName} has no branch yet: push a first commit to it.`
      throw precondition('repository_empty', message, { name: repository.fullName })
    }
    const files: CommitFiles = {
      read: (beside) => mirror.file(head.id, beside, limits.includedBytes),
      list: (folder) => mirror.list(head.id, folder),
    }
    const theirs = await mirror.file(head.id, path, limits.fileBytes)
    return {
      repository,
      connection,
      mirror,
      path,
      moves,
      defaultBranch,
      head: head.id,
      theirs,
      ways: waysOf(connection),
      files,
    }
  } catch (error) {
    if (signal.aborted && error instanceof GitError) throw tooSlow(repository)
    throw error instanceof AppError ? error : pushRefusal(error)
  }
}

export function tooSlow({ fullName }: RepositoryRow): AppError {
  const message = `The server of ${fullName} did not answer in time. Try again.`
  return precondition('repository_unreachable', message, { detail: message })
}

function waysOf({ forge, client }: OpenConnection): ProposalWay[] {
  const ways = [ProposalWay.BRANCH, ProposalWay.COMMIT]
  const isAsked = forge.can.has('pullRequests') && client.putPullRequest !== undefined
  return isAsked ? [ProposalWay.PULL_REQUEST, ...ways] : ways
}

function whereTo(
  { repositoryId, filePath, otherRepositoryId, otherFilePath, otherFileAwaited }: PipelineRow,
  asked: { repositoryId: string; path: string },
): { repositoryId: string; path: string; moves: boolean } {
  if (repositoryId) {
    const isOther = asked.repositoryId !== '' && (asked.repositoryId !== repositoryId || asked.path !== filePath)
    if (isOther) throw invalidField('path', `must be ${filePath}: the pipeline is that file`, 'proposal_path')
    return { repositoryId, path: filePath, moves: false }
  }
  if (asked.repositoryId === '') {
    if (otherFileAwaited && otherRepositoryId)
      return { repositoryId: otherRepositoryId, path: otherFilePath, moves: true }
    throw precondition('repository_none', 'The pipeline is kept in AnsFlow: say which repository it is to go to.')
  }
  const isFile = /^(?:\.?ansflow|\.ansflow\/[\p{L}\p{N}][\p{L}\p{N}._ -]*)\.ya?ml$/u.test(asked.path)
  if (!isFile || asked.path.length > 255) {
    throw invalidField('path', 'must be ansflow.yaml or a file such as .ansflow/build.yaml', 'proposal_path')
  }
  return { repositoryId: asked.repositoryId, path: asked.path, moves: true }
}
