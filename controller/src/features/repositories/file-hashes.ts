// What `hashFiles()` answers in a run: of the files of the commit that it is for, as the copy of its repository has them.
import { notFound } from '@ansflow/proto/errors'
import type { EntityManager } from '../../platform/db.ts'
import { GitError, type GitMirror } from '../../platform/git/git.ts'
import type { Workers } from '../../platform/workers.ts'
import type { AskFileHashes } from '../runs/index.ts'
import { hashTasks } from './hash-task-file.ts'
import { placesOf } from './hashed-places.ts'
import { readable } from './readable.ts'
import type { Repositories } from './repositories.ts'

interface Deps {
  em(): EntityManager
  workers: Workers
  repositories: Pick<Repositories, 'find' | 'mirrorOf' | 'fetch'>
}

const mostFiles = 100_000
/** Whoever starts a run for a commit that is not known yet waits for it no longer. */
const fetchMs = 30_000

type Asked = Parameters<AskFileHashes>[0]

export function fileHashes({ em, workers, repositories }: Deps): AskFileHashes {
  return async ({ projectId, git, lists, foresees = false, mayFetchRef = false }) => {
    const row = await repositories.find(em(), git.repositoryId)
    if (row?.projectId !== projectId) throw notFound('repository', git.repositoryId)
    const mirror = repositories.mirrorOf(row)
    const [branch, fetch] = [row.defaultBranch, (signal: AbortSignal) => repositories.fetch(row, signal)]
    return readable(row, async () => {
      const commit = foresees ? await known(mirror, git, branch) : await fetched(mirror, git, mayFetchRef, fetch)
      if (commit === undefined) return { commit: '', hashes: {} }
      const files = (await mirror.tree(commit, placesOf(lists), mostFiles)).join('\0')
      return { commit, hashes: await workers.run(hashTasks, 'hashFiles', { lists, files }, row.id) }
    })
  }
}

/** Of a run that is only foreseen: as far as the copy knows; where nothing is said, the default branch. */
async function known(mirror: GitMirror, git: Asked['git'], branch: string): Promise<string | undefined> {
  return (await mirror.commit(git.commit || nameOf(git) || `refs/heads/${branch}`))?.id
}

async function fetched(
  mirror: GitMirror,
  git: Asked['git'],
  mayFetchRef: boolean,
  fetch: (signal: AbortSignal) => Promise<void>,
): Promise<string | undefined> {
  const { commit, ref } = git
  if (commit !== '' && (await mirror.commit(commit))) return commit
  // What has happened may leave none: of a release that is gone, or that names a tag there will be.
  const wanted = commit || (git.event === '' ? nameOf(git) : '')
  if (wanted === '') return undefined
  const signal = AbortSignal.timeout(fetchMs)
  await fetch(signal)
  let found = await mirror.commit(wanted)
  // That of a pull request, which another controller has brought.
  if (!found && mayFetchRef && ref.startsWith('refs/') && !/^refs\/(?:heads|tags|replace)\//.test(ref)) {
    await mirror.fetchRef(ref, signal)
    found = await mirror.commit(wanted)
  }
  if (!found) throw new GitError('missing', `There is no ${wanted} in it.`)
  return found.id
}

function nameOf({ ref, branch, tag }: Asked['git']): string {
  return ref || (tag && `refs/tags/${tag}`) || (branch && `refs/heads/${branch}`)
}
