// What a repository that does not take or give something is to whoever has called.
import { AppError, precondition } from '@ansflow/proto/errors'
import { GitError, type GitFault } from '../../platform/git/git.ts'
import { ForgeError, refusedBy } from '../forges/index.ts'

/** It was not done, and never will be by itself: nothing has been pushed. */
const certain: ReadonlySet<GitFault> = new Set([
  'denied',
  'missing',
  'moved',
  'protected',
  'refused',
  'too_large',
  'git_missing',
])

export function isNotPushed(error: unknown): boolean {
  return error instanceof GitError
    ? certain.has(error.fault)
    : error instanceof ForgeError && error.fault !== 'unreachable'
}

export function pushRefusal(error: unknown): AppError {
  if (error instanceof ForgeError) return refusedBy(error)
  if (!(error instanceof GitError)) throw error
  const { fault, message } = error
  const detail = { detail: message.slice(0, 400) }
  if (fault === 'moved') {
    return new AppError('aborted', `${message} Look again, then propose.`, { reason: 'push_moved', params: detail })
  }
  if (fault === 'protected') return precondition('push_protected', message, detail)
  if (fault === 'denied') return precondition('push_denied', message, detail)
  return precondition('repository_unreachable', message, detail)
}

export function conflictOf(conflicts: readonly string[]): AppError {
  const fields = conflicts.slice(0, 10).join(', ')
  return precondition('proposal_conflict', `The file was changed meanwhile where the draft was: ${fields}.`, { fields })
}
