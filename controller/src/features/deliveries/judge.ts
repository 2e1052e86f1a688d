// What is to become of something that a forge tells of: held against the repository, and asked of every pipeline. It begins nothing, and
// writes only by what it is given, so that whoever explains an event asks exactly this.
import { type Said, say } from '@ansflow/proto/texts/say'
import { commandsOf } from '@ansflow/proto/triggers/repository-triggers'
import type { GitMirror } from '../../platform/git/git.ts'
import type { ForgeClient, ForgeEvent, OpenConnection, PullRequestFacts } from '../forges/index.ts'
import { type RepositoryRow, type Trust, waitsForTrust } from '../repositories/index.ts'
import { type DecideDeps, type Decision, decide } from './decide.ts'
import type { ForgeAnswers } from './forge-answers.ts'
import { type Happening, happeningOf, subjectOf } from './happening.ts'

type PullRequestEvent = Extract<ForgeEvent, { kind: 'pull_request' }>

export interface JudgeDeps extends DecideDeps {
  mirror: GitMirror
  fetch(signal: AbortSignal, news?: string): Promise<void>
  /** As `PullRequests` of the repository. */
  pullRequests: {
    note(event: PullRequestEvent, isRepeat: boolean): Promise<boolean>
    trustOf(event: ForgeEvent): Promise<Trust>
    wait(event: ForgeEvent): Promise<boolean>
  }
}

export interface Judged {
  repository: RepositoryRow
  connection: OpenConnection
  signal: AbortSignal
  /** It has come before. */
  isRepeat: boolean
  /** Nobody has signed it: the forge is asked nothing for it, and of pull requests only what deliveries told of is fetched. */
  unsigned?: Unsigned
  /** Of who only asks: what the forge has answered a moment ago counts. */
  recall?: ForgeAnswers
}

export interface Unsigned {
  /** What deliveries told of a pull request. */
  known(number: number): Promise<PullRequestFacts | undefined>
}

/** How what is started by it is trusted, and by whose file. */
export interface StartTrust {
  /** See RunOrigin. */
  untrusted: boolean
  fileOf: string
}

export interface Judgement {
  ref: string
  commit: string
  sender: string
  /** Nothing comes of it, or it waits: why. */
  why?: Said
  /** What the forge was not asked, and is taken for granted. */
  assumed?: Said
  /** What somebody has to approve. */
  waiting?: ForgeEvent
  /** Pipelines were asked. */
  happening?: Happening
  decided?: Decision[]
  /** Where files of pipelines were read. */
  filesAt?: string
  trust: StartTrust
}

/** Throws `GitError` and `ForgeError`. */
export async function judge(deps: JudgeDeps, judged: Judged, told: ForgeEvent): Promise<Judgement> {
  const { repository, connection, signal, isRepeat, unsigned } = judged
  const { mirror, pullRequests } = deps
  const event = await wholeEvent(told, judged)
  const { why, ...subject } = subjectOf(event, repository.fullName)
  const nothing = (said: Said): Judgement => ({ ...subject, why: said, trust: plainTrust })
  // What is to be run again asks no pipeline: `judgeRerun`.
  if (why || event.kind === 'ping' || event.kind === 'ignored' || event.kind === 'rerun') return nothing(why!)
  if (event.kind === 'pull_request' && !(await pullRequests.note(event, isRepeat))) {
    return nothing(say('delivery_moved', { name: subject.ref, commit: subject.commit.slice(0, 7) }))
  }
  if (unsigned && connection.client.pullRequest && lacksHead(event))
    return nothing(say('delivery_untold', { name: subject.ref }))
  // Before it waits for anything: what a stranger writes is not to be waited for.
  const refused = event.kind === 'comment' ? await commentRefusal(event, judged) : undefined
  if (refused) return nothing(refused)
  const assumed = unsigned && event.kind === 'comment' && say('delivery_assumed', { sender: shownName(event.author) })
  const { fork, baseRules } = await pullRequests.trustOf(event)
  if (fork === 'none') {
    return nothing(say('delivery_fork_none', { repository: headRepositoryOf(event) }))
  }
  const untrusted = fork === 'untrusted' && waitsForTrust(event)
  if (untrusted || (fork === 'approve' && waitsForTrust(event))) {
    const { ref, commit } = subject
    // Also what runs at once: that it is run again, trusted, waits for somebody.
    const isHead = await pullRequests.wait(event)
    if (!isHead) return nothing(say('delivery_moved', { name: ref, commit: commit.slice(0, 7) }))
    const said = say('delivery_fork', { repository: headRepositoryOf(event), commit: commit.slice(0, 7) })
    if (!untrusted) return { ...nothing(said), waiting: event }
  }
  const happening = await happeningOf(event, {
    repository,
    mirror,
    fetch: deps.fetch,
    pullRequestRef: (number) => connection.forge.pullRequestRef(number),
    mayFetch: async (number) => !unsigned || (await unsigned.known(number)) !== undefined,
    signal,
  })
  if (!('event' in happening)) return nothing(happening)
  const commit = happening.commit?.id ?? subject.commit
  const head = (await mirror.commit(`refs/heads/${repository.defaultBranch}`))?.id
  const base = baseRules ? await baseFiles(repository, mirror, happening, head) : undefined
  const filesAt = baseRules ? base?.commit : happening.commit?.id
  const decided = await decide(deps, { repository, mirror, happening, filesAt, head, ofStrangers: untrusted, signal })
  const trust = { untrusted, fileOf: base?.branch ?? '' }
  if (decided.length === 0) return { ...nothing(noneOf(happening)), commit, trust }
  return {
    ...subject,
    commit,
    happening,
    decided,
    trust,
    ...(filesAt !== undefined && { filesAt }),
    ...(assumed && { assumed }),
  }
}

const plainTrust: StartTrust = { untrusted: false, fileOf: '' }

/** As the branch stands now: whoever forked it long ago does not bring back a file that was mended since. */
async function baseFiles(
  { defaultBranch }: RepositoryRow,
  mirror: GitMirror,
  { git: { baseBranch } }: Happening,
  head: string | undefined,
): Promise<{ commit: string; branch: string } | undefined> {
  const base = baseBranch === '' ? undefined : await mirror.commit(`refs/heads/${baseBranch}`)
  if (base) return { commit: base.id, branch: baseBranch }
  return head === undefined ? undefined : { commit: head, branch: defaultBranch }
}

function noneOf({ event: { kind, action, branch = '', tag = '' } }: Happening): Said {
  const isGone = (kind === 'push' || kind === 'tag') && action === 'deleted'
  return isGone ? say('gate_deleted', { name: (tag || branch).slice(0, 100) }) : say('delivery_none')
}

/** Forges that do not say with a comment what it is about, or only the beginning of a commit, are asked: trust hangs on that. */
async function wholeEvent(event: ForgeEvent, judged: Judged): Promise<ForgeEvent> {
  const { repository, connection, unsigned } = judged
  if (!connection.client.pullRequest || !lacksHead(event)) return event
  const number = event.kind === 'comment' ? event.number : event.pullRequest.number
  const pullRequest = unsigned
    ? await unsigned.known(number)
    : await ask(judged, `request ${number}`, (client, until) => client.pullRequest!(repository.fullName, number, until))
  return pullRequest ? { ...event, pullRequest } : event
}

/** Of a comment only if it is to start something. */
function lacksHead(event: ForgeEvent): event is Extract<ForgeEvent, { kind: 'pull_request' | 'comment' }> {
  if (event.kind === 'comment') return commandsOf(event.body).length > 0 && !event.pullRequest?.head.commit
  return event.kind === 'pull_request' && event.pullRequest.head.commit === ''
}

function headRepositoryOf(event: ForgeEvent): string {
  const facts = event.kind === 'pull_request' || event.kind === 'comment' ? event.pullRequest : undefined
  return facts?.head.repository || 'another repository'
}

/** Who may push may have something run. */
async function commentRefusal(
  { author }: Extract<ForgeEvent, { kind: 'comment' }>,
  judged: Judged,
): Promise<Said | undefined> {
  const { repository, connection, unsigned } = judged
  if (!connection.client.mayPush) return say('delivery_comment_forge')
  if (unsigned) return undefined
  const may = await ask(judged, `push ${author}`, (client, until) =>
    client.mayPush!(repository.fullName, author, until),
  )
  return may ? undefined : say('delivery_comment', { sender: shownName(author) })
}

function ask<T>(
  { connection, signal, recall }: Judged,
  question: string,
  ofClient: (client: ForgeClient, until: AbortSignal) => Promise<T>,
): Promise<T> {
  // Whoever hears the same answer does not lose it with who asked first.
  return recall ? recall(question, () => connection.ask(ofClient)) : connection.ask(ofClient, signal)
}

function shownName(author: string): string {
  return author.slice(0, 100) || '?'
}
