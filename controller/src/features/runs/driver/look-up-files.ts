// What `hashFiles()` answers in a run is looked up before it begins, and is part of what it is for.
import type { GitFacts } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { changedKey, hashedPatterns } from '@ansflow/proto/triggers/changed'
import { inTurns } from '../../../platform/turns.ts'
import type { RunStart } from './insert-runs.ts'

/**
 * By list of globs, as of `GitFacts.fileHashes`; `commit`: whose files they are, empty: there is none. Throws `not_found`, and
 * failed_precondition "repository_unread".
 */
export type AskFileHashes = (asked: {
  projectId: string
  git: Pick<GitFacts, 'repositoryId' | 'event' | 'commit' | 'ref' | 'branch' | 'tag'>
  lists: readonly (readonly string[])[]
  /** Nothing is begun: what the copy of the repository knows is enough. */
  foresees?: boolean
  /** What is said of the ref is what a forge has told. */
  mayFetchRef?: boolean
}) => Promise<{ commit: string; hashes: Record<string, string> }>

/** What an earlier run knew of the same commit stays. */
export async function withFileHashes(start: RunStart, ask: AskFileHashes): Promise<RunStart> {
  const { git, cause } = start.origin
  if (!git || git.repositoryId === '') return start
  const lists = await inTurns(hashedPatterns(start.graph))
  const unknown = lists.filter((patterns) => !Object.hasOwn(git.fileHashes, changedKey(patterns)))
  if (unknown.length === 0) return start
  const mayFetchRef = cause.case === 'webhook' || cause.case === 'run'
  const { commit, hashes } = await ask({ projectId: start.projectId, git, lists: unknown, mayFetchRef })
  const fileHashes = { ...git.fileHashes, ...hashes }
  // A branch may go on before its commit is fetched: it is built as it was looked at.
  return { ...start, origin: { ...start.origin, git: { ...git, commit: git.commit || commit, fileHashes } } }
}
