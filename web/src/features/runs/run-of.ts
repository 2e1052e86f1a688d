// What a run is for, in a line: the commit, where it stands, and the file that said what runs.
import type { GitFacts, Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'

/** The first line of the commit's message. */
export function subjectOf({ message }: GitFacts): string {
  return message.split('\n', 1)[0] ?? ''
}

/** A pull request is known by its number, whatever its branch is called. */
export function placeOf(git: GitFacts): { kind: 'pullRequest' | 'tag' | 'branch'; name: string } | undefined {
  if (git.pullRequest > 0) return { kind: 'pullRequest', name: `#${git.pullRequest}` }
  if (git.tag !== '') return { kind: 'tag', name: git.tag }
  const name = git.branch || git.ref
  return name === '' ? undefined : { kind: 'branch', name }
}

/**
 * What said what runs. A file: what a push or the like brought is not what was published last, so it ran as the file of its commit says,
 * or as that of the branch it is for.
 */
export function saidBy({ version, origin }: Run): { kind: 'version' | 'draft' } | { kind: 'file'; of: string } {
  // Also where what it has is what was published.
  if (origin?.fileOf) return { kind: 'file', of: origin.fileOf }
  if (version > 0) return { kind: 'version' }
  const git = origin?.git
  if (!git || git.event === '') return { kind: 'draft' }
  return { kind: 'file', of: placeOf(git)?.name ?? git.commit.slice(0, 7) }
}
