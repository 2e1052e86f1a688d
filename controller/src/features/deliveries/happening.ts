// What a forge says has happened, held against the repository itself: which commit it is, what it is compared with, which files have
// changed. What the repository says counts.
import { type GitFacts, GitFactsSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { type Said, say } from '@ansflow/proto/texts/say'
import { commandsOf, type RepositoryEvent } from '@ansflow/proto/triggers/repository-triggers'
import { create } from '@bufbuild/protobuf'
import type { GitCommit, GitMirror } from '../../platform/git/git.ts'
import type { ForgeEvent, PullRequestFacts } from '../forges/index.ts'
import type { RepositoryRow } from '../repositories/index.ts'
import type { Asked } from './delivery-tasks.ts'

/** More of them, and it is not known that one has not changed. */
const mostChanged = 100_000

export interface Happening {
  event: RepositoryEvent
  git: GitFacts
  /** Of the state that runs are for; absent: something is gone. */
  commit?: GitCommit
  pullRequest?: PullRequestFacts
  changed: Asked['changed']
}

export interface HappeningDeps {
  repository: RepositoryRow
  mirror: GitMirror
  /** As of a mirror. */
  fetch(signal: AbortSignal, news?: string): Promise<void>
  pullRequestRef(number: number): string | undefined
  /** Whether its ref may be fetched: the copy keeps it. */
  mayFetch(number: number): Promise<boolean>
  signal: AbortSignal
}

/** What it is about, before the repository is asked; a sentence: nothing comes of it. */
export function subjectOf(event: ForgeEvent, own: string): { ref: string; commit: string; sender: string; why?: Said } {
  const about = { ref: '', commit: '', sender: event.sender.slice(0, 255) }
  const isOther = event.repository !== '' && event.repository.toLowerCase() !== own.toLowerCase()
  if (isOther) return { ...about, why: say('delivery_other', { repository: event.repository, own }) }
  switch (event.kind) {
    case 'ping':
      return { ...about, why: say('delivery_ping') }
    case 'ignored': {
      const { event: word, why, field } = event
      return {
        ...about,
        why: why === 'unknown' ? say('delivery_unknown', { event: word }) : say('delivery_incomplete', { field }),
      }
    }
    case 'push':
      return { ...about, ref: event.branch || event.tag, commit: event.after }
    case 'pull_request':
      return { ...about, ref: `#${event.pullRequest.number}`, commit: event.pullRequest.head.commit }
    case 'comment':
      return { ...about, ref: `#${event.number}`, commit: event.pullRequest?.head.commit ?? '' }
    case 'release':
      return { ...about, ref: event.tag }
    case 'rerun':
      return { ...about, commit: event.commit }
  }
}

type Told = Exclude<ForgeEvent, { kind: 'ping' | 'ignored' | 'rerun' }>

/** A sentence: it is over, or of another state by now. Throws `GitError`. */
export async function happeningOf(event: Told, deps: HappeningDeps): Promise<Happening | Said> {
  switch (event.kind) {
    case 'push':
      return pushed(event, deps)
    case 'release':
      return released(event, deps)
    case 'pull_request':
      return requested(event.pullRequest, deps, { kind: 'pull_request', action: event.action }, event.sender)
    case 'comment': {
      const commands = commandsOf(event.body)
      if (commands.length > 0 && event.pullRequest)
        return requested(event.pullRequest, deps, { kind: 'comment', commands }, event.author)
      // Without a command it is a talk among people.
      const { fullName: repository } = deps.repository
      return { event: { kind: 'comment', repository, commands }, git: create(GitFactsSchema), changed: undefined }
    }
  }
}

async function pushed(event: Extract<Told, { kind: 'push' }>, deps: HappeningDeps): Promise<Happening | Said> {
  const { repository, mirror } = deps
  const { ref, branch, tag, before, after, sender } = event
  const kind = tag === '' ? 'push' : 'tag'
  const action = after === '' ? 'deleted' : before === '' ? 'created' : 'updated'
  const happened = { kind, repository: repository.fullName, action, branch, tag } as const
  const facts = { ...factsOf(repository), event: kind, action, ref, branch, tag, before, sender }
  if (after === '') return { event: happened, git: create(GitFactsSchema, facts), changed: undefined }
  if (tag !== '') {
    await deps.fetch(deps.signal, after)
    const commit = await mirror.commit(ref)
    if (!commit) return moved(tag, after)
    return withCommit({ event: happened, git: create(GitFactsSchema, facts), changed: undefined }, commit)
  }
  const commit = await reached(deps, after)
  if (!commit) return moved(branch, after)
  const base = await baseOfPush(deps, before, commit.id)
  const changed = await changedSince(mirror, base, commit.id)
  const git = create(GitFactsSchema, { ...facts, baseCommit: base ?? '', changedCount: countOf(changed) })
  return withCommit({ event: happened, git, changed }, commit)
}

/** Of a new branch, or one that was pushed by force: where it left what there was. Undefined: there was nothing. */
async function baseOfPush(
  { mirror, repository }: HappeningDeps,
  before: string,
  after: string,
): Promise<string | undefined> {
  if (before !== '' && (await mirror.commit(before))) return mirror.mergeBase(before, after)
  const main = await mirror.commit(`refs/heads/${repository.defaultBranch}`)
  return main && main.id !== after ? mirror.mergeBase(main.id, after) : undefined
}

async function released(event: Extract<Told, { kind: 'release' }>, deps: HappeningDeps): Promise<Happening | Said> {
  const { action, tag, name, sender } = event
  const { repository, mirror } = deps
  const ref = `refs/tags/${tag}`
  const facts = { ...factsOf(repository), event: 'release', action, ref, tag, title: name.slice(0, 1024), sender }
  const happened = { kind: 'release', repository: repository.fullName, action, tag } as const
  const happening: Happening = { event: happened, git: create(GitFactsSchema, facts), changed: undefined }
  if (action === 'deleted') return happening
  await deps.fetch(deps.signal)
  const commit = await mirror.commit(ref)
  // A draft may name a tag that there will be.
  return commit ? withCommit(happening, commit) : happening
}

async function requested(
  facts: PullRequestFacts,
  deps: HappeningDeps,
  what: Pick<RepositoryEvent, 'kind' | 'action' | 'commands'>,
  sender: string,
): Promise<Happening | Said> {
  const { repository, mirror, signal } = deps
  const { number, head, base, title, labels, draft, fork } = facts
  await deps.fetch(signal, fork ? undefined : head.commit)
  const ref = deps.pullRequestRef(number)
  const isOver = what.action === 'merged' || what.action === 'closed'
  let commit = fork ? undefined : await mirror.commit(head.commit)
  if (!commit && ref) {
    if (!(await deps.mayFetch(number))) return say('delivery_untold', { name: `#${number}` })
    const stands = await mirror.fetchRef(ref, signal)
    if (stands !== head.commit && !isOver) return moved(`#${number}`, head.commit)
    commit = await mirror.commit(head.commit)
  }
  if (!commit) return moved(`#${number}`, head.commit)
  const main = await mirror.commit(`refs/heads/${base.branch}`)
  const from = main && (await mirror.mergeBase(main.id, commit.id))
  const changed = from === undefined ? undefined : await changedSince(mirror, from, commit.id)
  const git = create(GitFactsSchema, {
    ...factsOf(repository),
    event: what.kind,
    action: what.action ?? '',
    ref: ref ?? `refs/heads/${head.branch}`,
    branch: head.branch,
    baseBranch: base.branch,
    baseCommit: from ?? '',
    pullRequest: number,
    headRepository: head.repository,
    fork,
    sender,
    title: title.slice(0, 1024),
    labels: labels.slice(0, 100),
    changedCount: countOf(changed),
  })
  const event = {
    ...what,
    repository: repository.fullName,
    branch: head.branch,
    baseBranch: base.branch,
    labels,
    draft,
  }
  return withCommit({ event, git, changed, pullRequest: facts }, commit)
}

function factsOf({ id, fullName, cloneUrl }: RepositoryRow) {
  return { repository: cloneUrl, repositoryName: fullName, repositoryId: id }
}

function withCommit(happening: Happening, commit: GitCommit): Happening {
  const { git, event } = happening
  Object.assign(git, { commit: commit.id, author: commit.author.slice(0, 256), message: commit.message })
  return { ...happening, commit, event: { ...event, message: commit.message } }
}

/** The commit, once a branch or tag leads to it. */
async function reached({ mirror, fetch, signal }: HappeningDeps, id: string): Promise<GitCommit | undefined> {
  if ((await mirror.commit(id)) && (await mirror.contains(id))) return mirror.commit(id)
  await fetch(signal, id)
  const commit = await mirror.commit(id)
  return commit && (await mirror.contains(id)) ? commit : undefined
}

async function changedSince(mirror: GitMirror, base: string | undefined, head: string): Promise<Asked['changed']> {
  const { paths, more } = await mirror.changed(base, head, mostChanged)
  return { paths: paths.join('\0'), complete: !more }
}

function countOf(changed: Asked['changed']): number {
  if (!changed || changed.paths === '') return 0
  let count = 1
  for (let at = changed.paths.indexOf('\0'); at >= 0; at = changed.paths.indexOf('\0', at + 1)) count++
  return count
}

function moved(name: string, commit: string): Said {
  return say('delivery_moved', { name, commit: commit.slice(0, 7) })
}
