// Whether what was read is what the default branch says still, before it becomes the latest version: other controllers, and those here who
// look at the repository by themselves, may have taken a later push meanwhile.
import type { GitMirror } from '../../platform/git/git.ts'
import type { StillHead } from '../pipelines/index.ts'

export function stillHead(
  mirror: GitMirror,
  { branch, commit }: { branch: string; commit: string },
  signal: AbortSignal,
): StillHead {
  let known: ReturnType<StillHead> | undefined
  return (versions) => {
    known ??= ask()
    return known

    async function ask() {
      const before = await versions()
      await mirror.fetch(signal)
      return (await mirror.commit(`refs/heads/${branch}`))?.id === commit ? before : undefined
    }
  }
}
