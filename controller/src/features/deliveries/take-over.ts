// Looks at repositories: what their default branches hold are the pipelines there, as soon as that is known. Any controller may look,
// and who finds nothing new changes nothing.
import { GitError } from '../../platform/git/git.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { lanes } from '../../platform/lanes.ts'
import { ForgeError } from '../forges/index.ts'
import type { RepositoryRow } from '../repositories/index.ts'
import { noticePushes } from './notice-pushes.ts'
import { changeBy, type WorkOffDeps } from './outcome.ts'
import { stillHead } from './still-head.ts'
import { pathsMade, takeFilesAt } from './take-files-at.ts'
import { takeLater } from './take-later.ts'

/** Repositories that are looked at, each by itself. */
const atOnce = 8
/** One that could not be read is soon looked at again: somebody may have pushed just then. Later and later if that goes on. */
const firstRetryMs = 1000

export interface LookAtRepositories {
  /** Of the loop: begins what is due, and waits for none of it. */
  run(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

export function lookAtRepositories(deps: WorkOffDeps): LookAtRepositories {
  const { bus, clock, log, repositories } = deps
  const due = () => bus.publish('repository.due', {})
  const looks = lanes({ name: 'repositories', atOnce, log, left: () => isLeft && due() })
  const failures = new Map<string, { count: number; cancelTimer(): void }>()
  /** There was no room for all, or another look at the same is wanted. */
  let isLeft = false

  async function look(row: RepositoryRow, signal: AbortSignal): Promise<void> {
    try {
      await repositories.fetch(row, signal)
      await takeOver(deps, row, signal)
      failures.get(row.id)?.cancelTimer()
      failures.delete(row.id)
    } catch (error) {
      if (signal.aborted) return
      const isExpected = error instanceof GitError || error instanceof ForgeError
      const said = isExpected ? { problem: (error as Error).message } : { err: error }
      log.warn({ ...said, repository: row.fullName }, 'a repository could not be looked at')
      await retry(row)
    }
    bus.publish('repository.changed', { repositoryId: row.id, projectId: row.projectId })
  }

  async function retry(row: RepositoryRow): Promise<void> {
    const known = failures.get(row.id)
    known?.cancelTimer()
    const count = (known?.count ?? 0) + 1
    const waitMs = firstRetryMs * 2 ** (count - 1)
    const isSooner = await repositories.lookAgain(row, waitMs)
    failures.set(row.id, { count, cancelTimer: isSooner ? clock.setTimer(waitMs, due) : () => undefined })
  }

  return {
    async run(signal) {
      const busy = looks.keys()
      isLeft = busy.length > 0
      if (looks.isFull) return
      for await (const row of repositories.takeDue(busy)) {
        if (signal.aborted) return
        looks.begin(row.id, () => look(row, signal))
        isLeft ||= looks.isFull
        if (looks.isFull) return
      }
    },
    async stop() {
      for (const { cancelTimer } of failures.values()) cancelTimer()
      await looks.ended()
    },
  }
}

/** The pipelines in its default branch, as its copy has them. */
async function takeOver(deps: WorkOffDeps, repository: RepositoryRow, signal: AbortSignal): Promise<void> {
  const { repositories, takeFile, clock } = deps
  const mirror = repositories.mirrorOf(repository)
  const refs = await mirror.refs()
  const { defaultBranch = repository.defaultBranch } = refs
  const head = await mirror.commit(`refs/heads/${defaultBranch}`)
  const here = { ...repository, defaultBranch }
  if (head && (head.id !== repository.headCommit || defaultBranch !== repository.defaultBranch)) {
    // A commit is too long for what the audit calls a request.
    const change = changeBy(deps, here, uuidv7())
    const isHead = stillHead(mirror, { branch: defaultBranch, commit: head.id }, signal)
    const asked = { takeFile, change, now: clock.now() }
    // What is wrong with one is said where somebody asks for it: by a push, and on the page of its pipeline.
    const at = { commit: head.id, isHead, ofStrangers: false }
    const paths = pathsMade(await takeFilesAt(asked, { repository: here, mirror }, at))
    await takeLater(asked, { repository: here, mirror, signal }, { paths, commit: head.id })
  }
  if (repository.pollSeconds > 0) await noticePushes(deps, repository, refs)
  await repositories.looked(repository, { headCommit: head?.id ?? '', defaultBranch })
}
