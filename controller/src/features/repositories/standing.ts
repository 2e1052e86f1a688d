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

const unknown: Standing = { isReached: false, isNamed: false }

/**
 * `fetch` is asked where the copy does not know of it. What cannot be read, or not before `signal`, is not reached: also the first
 * look makes a copy where there is none yet.
 */
export function standing(
  mirror: GitMirror,
  said: Said,
  fetch: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<Standing> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => resolve(unknown), { once: true })
    lookTwice(mirror, said, () => fetch(signal)).then(resolve, reject)
  })
}

async function lookTwice(mirror: GitMirror, said: Said, fetch: () => Promise<void>): Promise<Standing> {
  try {
    const known = await look(mirror, said)
    if (known.isReached) return known
    await fetch()
    return await look(mirror, said)
  } catch (error) {
    if (error instanceof GitError || error instanceof ForgeError) return unknown
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
