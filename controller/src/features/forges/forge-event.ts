// What a delivery says, whichever forge it came from. Commits are 40 or 64 hexadecimal digits in small letters; names of branches and
// tags stand without refs/heads/ and refs/tags/.

export type ForgeEvent =
  | PushEvent
  | PullRequestEvent
  | CommentEvent
  | ReleaseEvent
  | RerunEvent
  | PingEvent
  | IgnoredEvent

interface FromForge {
  /** "acme/shop", as the forge writes it. Empty only where none has to be named: of `ping`, `ignored`, and of plain git servers. */
  repository: string
  /** Who did it, as the forge calls them; empty: nobody is named. */
  sender: string
}

/** Of a branch or a tag: new commits, a new one, or its end. */
export interface PushEvent extends FromForge {
  kind: 'push'
  /** "refs/heads/main"; at most 255 characters. */
  ref: string
  branch: string
  tag: string
  /** Empty: there was none before, or the forge does not say (Gitea, of a branch that is gone). */
  before: string
  /** Of a tag: what it stands on, where the forge says so; it may be the tag's own object. Empty: it is gone. */
  after: string
  /** Of the last commit; empty where the forge does not say. */
  message: string
  /** "Name <mail>". */
  author: string
}

export const pullRequestActions = [
  'opened',
  'updated',
  'reopened',
  'ready',
  'labeled',
  'unlabeled',
  'edited',
  'closed',
  'merged',
] as const
/** updated: it has other commits; of Bitbucket also: another title or text. ready: it is no draft any more. */
export type PullRequestAction = (typeof pullRequestActions)[number]

export interface PullRequestEvent extends FromForge {
  kind: 'pull_request'
  action: PullRequestAction
  pullRequest: PullRequestFacts
}

export interface PullRequestFacts {
  number: number
  title: string
  url: string
  draft: boolean
  labels: string[]
  author: string
  /** What is asked to be taken. `commit` is empty where a delivery holds only the beginning of it (Bitbucket): the client knows all. */
  head: { branch: string; commit: string; repository: string }
  /** Where to. `commit`: where that branch stands, as far as the forge says; empty otherwise. */
  base: { branch: string; commit: string }
  /** `head` is in another repository. Also true where that other one is gone. */
  fork: boolean
  /** When it was last changed, by the forge's clock; to the second. Undefined: the forge does not say. */
  updatedAt: Date | undefined
}

/** A new one, on a pull request; those on anything else are `ignored`. */
export interface CommentEvent extends FromForge {
  kind: 'comment'
  number: number
  body: string
  /** Of the comment. */
  author: string
  /** Where the forge tells all of it with the comment. */
  pullRequest?: PullRequestFacts
}

export interface ReleaseEvent extends FromForge {
  kind: 'release'
  action: 'published' | 'created' | 'edited' | 'deleted'
  tag: string
  name: string
  prerelease: boolean
  draft: boolean
}

/** Somebody who may wants what was told of a commit to be found out again: one check, or all. */
export interface RerunEvent extends FromForge {
  kind: 'rerun'
  commit: string
  /** Of one check: the run that had said so (`CommitStatus.of`); empty: none had. Undefined: all of the commit. */
  of: string | undefined
}

/** The forge tries whether somebody is there. */
export interface PingEvent extends FromForge {
  kind: 'ping'
}

export interface IgnoredEvent extends FromForge {
  kind: 'ignored'
  /** As the forge calls it. */
  event: string
  /** unknown: nothing is started by this kind. incomplete: a field that it must have is not there, or is no such thing. */
  why: 'unknown' | 'incomplete'
  /** Of `incomplete`: "pull_request.head.sha". */
  field: string
}
