// Looks at repositories: what their default branches hold are the pipelines there, as soon as that is known. Any controller may look,
// and who finds nothing new changes nothing.
import { GitError } from '../../platform/git/git.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { ForgeError } from '../forges/index.ts'
import type { RepositoryRow } from '../repositories/index.ts'
import { pipelineFiles, takeFileAt } from './decide.ts'
import { noticePushes } from './notice-pushes.ts'
import { changeBy, type WorkOffDeps } from './outcome.ts'

export function lookAtRepositories(deps: WorkOffDeps): (signal: AbortSignal) => Promise<void> {
  const { bus, log, repositories } = deps
  return async (signal) => {
    for await (const row of repositories.takeDue()) {
      if (signal.aborted) return
      try {
        await repositories.fetch(row, signal)
        await takeOver(deps, row)
      } catch (error) {
        if (signal.aborted) return
        const isExpected = error instanceof GitError || error instanceof ForgeError
        const said = isExpected ? { problem: (error as Error).message } : { err: error }
        log.warn({ ...said, repository: row.fullName }, 'a repository could not be looked at')
      }
      bus.publish('repository.changed', { repositoryId: row.id, projectId: row.projectId })
    }
  }
}

/** The pipelines in its default branch, as its copy has them. */
async function takeOver(deps: WorkOffDeps, repository: RepositoryRow): Promise<void> {
  const { repositories, takeFile, clock } = deps
  const mirror = repositories.mirrorOf(repository)
  const refs = await mirror.refs()
  const { defaultBranch = repository.defaultBranch } = refs
  const head = await mirror.commit(`refs/heads/${defaultBranch}`)
  const here = { ...repository, defaultBranch }
  if (head && (head.id !== repository.headCommit || defaultBranch !== repository.defaultBranch)) {
    // A commit is too long for what the audit calls a request.
    const change = changeBy(deps, here, uuidv7())
    for (const path of await pipelineFiles(mirror, head.id)) {
      const asked = { takeFile, change, now: clock.now() }
      // What is wrong with one is said where somebody asks for it: by a push, and on the page of its pipeline.
      await takeFileAt(asked, { repository: here, mirror }, { path, commit: head.id, isHead: true })
    }
  }
  if (repository.pollSeconds > 0) await noticePushes(deps, repository, refs)
  await repositories.looked(repository, { headCommit: head?.id ?? '', defaultBranch })
}
