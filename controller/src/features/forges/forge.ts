// What a forge is to AnsFlow: it sends deliveries, it is asked for repositories, and it is told how runs went. One value a kind of
// forge; whoever wants more than all of them can asks `can`. Nothing outside of this folder knows which kind it speaks to.
import type { IncomingHttpHeaders } from 'node:http'
import type { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import type { Outbound, OutboundCause } from '../../platform/outbound.ts'
import type { ForgeEvent, PullRequestFacts } from './forge-event.ts'

export interface Forge {
  kind: ForgeKind
  /** As it calls itself: "GitHub". */
  name: string
  can: ReadonlySet<ForgeAbility>
  /** The header that names a delivery, in small letters; whatever has the same name there is the same delivery. Empty: it has none. */
  deliveryHeader: string
  /** The header that names the kind of event. */
  eventHeader: string
  /** Fields of bodies, anywhere in them, that hold what signs a delivery: they are not to be kept. */
  secretFields?: readonly string[]
  /** Where git finds the head of a pull request, in the repository that it is for: "refs/pull/12/head"; undefined: nowhere. */
  pullRequestRef(number: number): string | undefined
  /** The page of a branch; empty: there is none. `webUrl`: of the repository. */
  branchUrl(webUrl: string, branch: string): string
  /**
   * Whether whoever sent the body knows the secret; takes the same time however much of it is right. An empty secret is never right.
   * `now`: of signatures that hold a time, those that are more than an hour old are none.
   */
  isSigned(headers: IncomingHttpHeaders, body: Uint8Array, secret: string, now: Date): boolean
  /**
   * Pure. Never empty: some forges tell of several refs at once. What it does not know, and what lacks a field, is one `ignored` with
   * the reason; it never throws.
   */
  read(headers: IncomingHttpHeaders, body: JsonValue): ForgeEvent[]
  /** Throws `AppError` invalid_argument for an address or credentials that are not of the form this kind has. */
  client(access: ForgeAccess): ForgeClient
}

/**
 * hooks: AnsFlow may set up where deliveries are sent. search: repositories can be listed. statuses: a commit has them.
 * pullRequests: they can be opened. comments: one on a pull request can be made and changed.
 * checks: with a summary and annotations at lines (of GitHub: only of apps, others set statuses).
 * deployments: it keeps what was deployed to which environment. deploymentStatuses: it has no records of that, a commit has a status for
 * each environment instead.
 */
export type ForgeAbility =
  | 'hooks'
  | 'search'
  | 'statuses'
  | 'checks'
  | 'pullRequests'
  | 'comments'
  | 'deployments'
  | 'deploymentStatuses'

export interface ForgeAccess {
  /** Of the forge: "https://github.com", "https://git.example.org/gitea"; no slash at its end. */
  url: string
  credentials: ForgeCredentials
  outbound: Outbound
}

/** `user` is empty where the forge does not want one. */
export type ForgeCredentials =
  | { kind: 'none' }
  | { kind: 'token'; user: string; token: string }
  /** An app of GitHub: its id, the key that it signs with (PEM), and the secret that its deliveries are signed with. */
  | { kind: 'app'; appId: string; installationId: string; privateKey: string; hookSecret?: string }
  /** Of plain git servers. `knownHosts`: lines of a known_hosts file. */
  | { kind: 'sshKey'; privateKey: string; knownHosts: string }

/**
 * Each throws `ForgeError`. Answers are checked: what a forge says wrongly is an error, not a guess. No answer is waited for longer than
 * `signal` says.
 */
export interface ForgeClient {
  /** Who the credentials are, and what they may do, in the forge's own words ("repo", "api"). */
  whoAmI(signal: AbortSignal): Promise<{ name: string; scopes: string[]; expiresAt?: Date }>
  repository(fullName: string, signal: AbortSignal): Promise<ForgeRepository>
  /** Those that the credentials reach, at most 50, the last changed first; `text` is part of their name. */
  search?(text: string, signal: AbortSignal): Promise<ForgeRepository[]>
  /** Makes or changes the hook with this address; answers its id there. */
  putHook?(fullName: string, hook: { url: string; secret: string }, signal: AbortSignal): Promise<string>
  deleteHook?(fullName: string, hookId: string, signal: AbortSignal): Promise<void>
  /** As it is now: for deliveries that do not tell all of it. */
  pullRequest?(fullName: string, number: number, signal: AbortSignal): Promise<PullRequestFacts>
  /** Opens a request from one branch of the repository to another; the open one that there is gets the title and the text instead. */
  putPullRequest?(
    fullName: string,
    request: NewPullRequest,
    signal: AbortSignal,
  ): Promise<{ number: number; url: string }>
  /** Statuses are checks, with a summary and annotations. */
  hasChecks?: boolean
  putStatus?(fullName: string, commit: string, status: CommitStatus, signal: AbortSignal): Promise<void>
  /** Makes or changes the one comment with this mark that the credentials' own account has written; answers its id. */
  putComment?(fullName: string, number: number, comment: ForgeComment, signal: AbortSignal): Promise<string>
  /** Makes or changes the record of one deployment; answers its id there, empty where it has none. */
  putDeployment?(fullName: string, commit: string, deployment: ForgeDeployment, signal: AbortSignal): Promise<string>
  /** Whether somebody, as the forge calls them, may push to the repository. Whom it does not know may not. */
  mayPush?(fullName: string, person: string, signal: AbortSignal): Promise<boolean>
  /** What git needs to read the repository; `isPush`: and to push to it. */
  gitCredentials(fullName: string, signal: AbortSignal, isPush?: boolean): Promise<GitCredentials | undefined>
}

export interface NewPullRequest {
  head: string
  base: string
  title: string
  /** Markdown. */
  body: string
}

export type GitCredentials =
  | { kind: 'password'; username: string; password: string; expiresAt?: Date }
  | { kind: 'sshKey'; privateKey: string; knownHosts: string }

export interface ForgeRepository {
  /** "acme/shop"; of GitLab also "acme/tools/shop". */
  fullName: string
  cloneUrl: string
  webUrl: string
  defaultBranch: string
  isPrivate: boolean
  description: string
}

export interface CommitStatus {
  /** Which one it is: what has the same name replaces it. */
  name: string
  /** The run that says so; of another one what was said at lines goes. Empty: none. */
  of: string
  state: 'pending' | 'running' | 'succeeded' | 'failed' | 'canceled'
  /** At most 140 characters. */
  description: string
  /** Of the run's page. */
  url: string
  /** Of checks: Markdown, at most 60,000 characters. */
  summary?: string
  annotations?: StatusAnnotation[]
}

/** On a pull request. */
export interface ForgeComment {
  /** That it had; empty: not known. */
  id: string
  /** A part of the text by which it is found again. */
  mark: string
  /** Markdown, at most 60,000 characters. */
  text: string
}

/** What a step has deployed. */
export interface ForgeDeployment {
  /** That its record has; empty: none, or not known. */
  id: string
  /** AnsFlow's own, by which a record is found again that was made and not heard of. */
  mark: string
  environment: string
  /** The branch or tag; empty: neither. */
  ref: string
  isTag: boolean
  /** It is of a pull request: it will be gone with that. */
  isPreview: boolean
  /** inactive: something else is there by now. */
  state: 'running' | 'succeeded' | 'failed' | 'canceled' | 'inactive'
  /** At most 140 characters. */
  description: string
  /** Where what was deployed is; empty: it is not said. */
  url: string
  /** Of the step's log. */
  logUrl: string
  /** It was told before, and no answer came. */
  isAgain: boolean
}

export interface StatusAnnotation {
  path: string
  line: number
  endLine: number
  level: 'notice' | 'warning' | 'error'
  title: string
  message: string
}

/**
 * denied: the credentials do not reach it. missing: there is no such thing. limited: too much was asked; `retryAt` says when again.
 * refused: the forge does not take it, and never will. unreachable: no answer, or none that can be read; may go later.
 */
export type ForgeFault = 'denied' | 'missing' | 'limited' | 'refused' | 'unreachable'

export class ForgeError extends Error {
  override readonly name = 'ForgeError'
  readonly fault: ForgeFault
  readonly retryAt: Date | undefined
  /** It was not asked at all, and why. */
  readonly about: OutboundCause | undefined

  /** `message`: an English sentence without anything that is secret. */
  constructor(fault: ForgeFault, message: string, retryAt?: Date, about?: OutboundCause) {
    super(message)
    this.fault = fault
    this.retryAt = retryAt
    this.about = about
  }
}
