// What the copy of a repository says of the state that a run is to be for: whoever starts it by hand is not believed.
import type { GitFacts } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { GitError, type GitMirror } from '../../platform/git/git.ts'
import { ForgeError } from '../forges/index.ts'

type Said = Pick<GitFacts, 'commit' | 'branch' | 'tag' | 'ref'>

export interface Standing {
  /** A branch or a tag leads to it. */
  isReached: boolean
  /** So does the one that is said. */
  isNamed: boolean
}

/** `fetch` is asked where the copy does not know of it. What cannot be read is not reached. */
export async function standing(mirror: GitMirror, said: Said, fetch: () => Promise<void>): Promise<Standing> {
  try {
    const known = await look(mirror, said)
    if (known.isReached) return known
    await fetch()
    return await look(mirror, said)
  } catch (error) {
    if (error instanceof GitError || error instanceof ForgeError) return { isReached: false, isNamed: false }
    throw error
  }
}

async function look(mirror: GitMirror, { commit, branch, tag, ref }: Said): Promise<Standing> {
  const name = tag !== '' ? `refs/tags/${tag}` : branch !== '' ? `refs/heads/${branch}` : ''
  // What is fetched is the commit, else the ref, else the branch or tag.
  const isOther = commit === '' && ref !== '' && ref !== name && ref !== branch && ref !== tag
  if (isOther)
    return {
      isReached: /^refs\/(?:heads|tags)\//.test(ref) && (await mirror.commit(ref)) !== undefined,
      isNamed: false,
    }
  const tip = name === '' ? undefined : await mirror.commit(name)
  if (commit === '') return { isReached: name === '' || tip !== undefined, isNamed: tip !== undefined }
  const isReached = (await mirror.commit(commit)) !== undefined && (await mirror.contains(commit))
  if (!isReached || !tip) return { isReached, isNamed: false }
  return { isReached, isNamed: tag !== '' ? tip.id === commit : (await mirror.mergeBase(tip.id, commit)) === commit }
}
