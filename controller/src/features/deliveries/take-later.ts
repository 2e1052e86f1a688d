// What was pushed while files became versions. Whoever took a push that takes back what was about to be made has found nothing to do: so
// whoever has made a version asks once more what the default branch says, and makes good what it says by now.
import type { GitMirror } from '../../platform/git/git.ts'
import type { RepositoryRow } from '../repositories/index.ts'
import { stillHead } from './still-head.ts'
import { type TakeDeps, takeFileAt } from './take-file-at.ts'

interface Where {
  repository: RepositoryRow
  mirror: GitMirror
  signal: AbortSignal
}

/** `paths`: those of which versions were made, as `commit` has them. Throws `GitError`. */
export async function takeLater(
  deps: TakeDeps,
  { repository, mirror, signal }: Where,
  { paths, commit }: { paths: readonly string[]; commit: string },
): Promise<void> {
  const branch = repository.defaultBranch
  for (let [made, of] = [paths, commit]; made.length > 0; ) {
    await mirror.fetch(signal)
    const head = await mirror.commit(`refs/heads/${branch}`)
    if (!head || head.id === of) return
    const isHead = stillHead(mirror, { branch, commit: head.id }, signal)
    const again: string[] = []
    for (const path of made) {
      const asked = { path, commit: head.id, isHead, ofStrangers: false }
      if ('isMade' in (await takeFileAt(deps, { repository, mirror }, asked))) again.push(path)
    }
    // Whoever takes what comes after that finds these versions.
    ;[made, of] = [again, head.id]
  }
}
