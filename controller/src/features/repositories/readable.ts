// A repository that cannot be read now, as calls answer that.
import { AppError, precondition } from '@ansflow/proto/errors'
import { GitError } from '../../platform/git/git.ts'
import type { RepositoryRow } from './repository.entity.ts'

/** Throws `failed_precondition` "repository_unread" with why. */
export async function readable<T>({ fullName }: RepositoryRow, read: () => Promise<T>): Promise<T> {
  return read().catch((error: unknown) => {
    if (!(error instanceof GitError)) throw error
    if (error.fault === 'aborted') throw new AppError('unavailable', error.message)
    const message = `${fullName} cannot be read: ${error.message}`
    throw precondition('repository_unread', message, { detail: error.message })
  })
}
