// What is known of pull requests, and how far those from other repositories are trusted.
import { notFound, precondition } from '@ansflow/proto/errors'
import { ForkFiles, ForkPolicy, PullRequestState } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import type { GitFacts } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Clock } from '../../platform/clock.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { ForgeEvent, PullRequestFacts } from '../forges/index.ts'
import { PullRequestEntity, type PullRequestRow, type RepositoryRow } from './repository.entity.ts'

type PullRequestEvent = Extract<ForgeEvent, { kind: 'pull_request' }>

export interface PullRequests {
  /**
   * As the forge says it is now; what is repeated is only news where nothing is known. False: it has another head since, and what is
   * told came late.
   */
  note(repository: RepositoryRow, event: PullRequestEvent, isRepeat: boolean): Promise<boolean>
  /** Undefined: nothing has told of it. */
  stateOf(repositoryId: string, number: number): Promise<PullRequestState | undefined>
  /** `fork`: what stands against it; `baseRules`: files of pipelines count as they are where it is to be merged into. */
  trustOf(repository: RepositoryRow, event: ForgeEvent): Promise<Trust>
  /** Until somebody approves its head; false: it has another one by now. */
  wait(repository: RepositoryRow, event: ForgeEvent, deliveryId: string): Promise<boolean>
  /** As it was noted last; undefined: no delivery told of it. */
  known(repository: RepositoryRow, number: number): Promise<PullRequestFacts | undefined>
  /** Their numbers, the newest first, at most five. */
  withHead(em: EntityManager, repositoryId: string, commit: string): Promise<number[]>
  /** Which of them are of pull requests that are open. At most some hundred are asked of. */
  openAmong(em: EntityManager, repositoryId: string, among: { numbers: number[]; heads: string[] }): Promise<OpenAmong>
  /** Whether a state of the repository comes from elsewhere, and nobody has approved it. */
  isOfStrangers(em: EntityManager, repository: RepositoryRow, git: GitFacts): Promise<boolean>
  /** Inside a transaction: the head is approved. Answers the delivery that has waited for it. Throws `failed_precondition` "commit_moved". */
  trust(em: EntityManager, approval: Approval): Promise<string | undefined>
}

export interface Approval {
  repositoryId: string
  pullRequest: number
  commit: string
  by: string
}

export interface OpenAmong {
  numbers: ReadonlySet<number>
  /** Commits. */
  heads: ReadonlySet<string>
}

export interface Trust {
  /** `untrusted`: it runs with nothing that could be stolen. */
  fork: 'trusted' | 'approve' | 'untrusted' | 'none'
  baseRules: boolean
}

const trusted: Trust = { fork: 'trusted', baseRules: false }

const mostWithHead = 5

export function createPullRequests({ db, clock }: { db: Db; clock: Clock }): PullRequests {
  return {
    async note(repository, { action, pullRequest }, isRepeat) {
      const where = { repositoryId: repository.id, number: pullRequest.number }
      const told = toColumns(pullRequest, stateAfter(action), pullRequest.updatedAt ?? clock.now())
      const known = await db.em().findOne(PullRequestEntity, where)
      if (known && isRepeat) return known.headCommit === told.headCommit || !isOlder(pullRequest, known)
      if (!known) {
        const row = { id: uuidv7(), ...where, projectId: repository.projectId, ...told, ...untrusted }
        try {
          await db.em().insert(PullRequestEntity, row)
          return true
        } catch (error) {
          // Two deliveries told of it at once.
          if (!(error instanceof UniqueConstraintViolationException)) throw error
        }
      }
      const isMoved = known?.headCommit !== told.headCommit
      // Deliveries overtake each other: of what is older nothing is believed. The forge's clock says so, to the second.
      const notNewer = { ...where, ...(pullRequest.updatedAt && { updatedAt: { $lte: pullRequest.updatedAt } }) }
      const news = { ...told, ...(isMoved && { waitingDeliveryId: null }) }
      if ((await db.em().nativeUpdate(PullRequestEntity, notNewer, news)) === 1) return true
      return (await db.em().count(PullRequestEntity, { ...where, headCommit: told.headCommit })) === 1
    },

    async stateOf(repositoryId, number) {
      return (await db.em().findOne(PullRequestEntity, { repositoryId, number }))?.state
    },

    async trustOf(repository, event) {
      const facts = factsOf(event)
      if (!facts?.fork) return trusted
      if (repository.forks === ForkPolicy.NONE) return { fork: 'none', baseRules: true }
      const row = await find(db.em(), repository, facts)
      const { commit } = facts.head
      const { forks, forkFiles } = repository
      const isApproved = commit !== '' && row?.trustedCommit === commit
      if (isApproved) return { fork: 'trusted', baseRules: forkFiles === ForkFiles.BASE }
      if (forks !== ForkPolicy.WITHOUT_SECRETS) return { fork: 'approve', baseRules: true }
      return { fork: 'untrusted', baseRules: forkFiles !== ForkFiles.OWN }
    },

    async wait(repository, event, deliveryId) {
      const facts = factsOf(event)
      if (!facts || facts.head.commit === '') return false
      const where = { repositoryId: repository.id, number: facts.number, headCommit: facts.head.commit }
      return (await db.em().nativeUpdate(PullRequestEntity, where, { waitingDeliveryId: deliveryId })) === 1
    },

    async known({ id }, number) {
      const row = await db.em().findOne(PullRequestEntity, { repositoryId: id, number })
      if (!row) return undefined
      const { title, url, draft, author, headBranch, headCommit, headRepository, baseBranch, fork } = row
      return {
        number,
        title,
        url,
        draft,
        labels: JSON.parse(row.labels) as string[],
        author,
        head: { branch: headBranch, commit: headCommit, repository: headRepository },
        base: { branch: baseBranch, commit: '' },
        fork,
        updatedAt: row.updatedAt,
      }
    },

    async withHead(em, repositoryId, headCommit) {
      const newest = { orderBy: { number: 'desc' as const }, limit: mostWithHead, fields: ['number' as const] }
      const rows = await em.find(PullRequestEntity, { repositoryId, headCommit }, newest)
      return rows.map((row) => row.number)
    },

    async openAmong(em, repositoryId, { numbers, heads }) {
      const among = { $or: [{ number: { $in: numbers } }, { headCommit: { $in: heads } }] }
      const fields = ['number' as const, 'headCommit' as const]
      const open = { repositoryId, state: PullRequestState.OPEN, ...among }
      const rows = await em.find(PullRequestEntity, open, { fields })
      return { numbers: new Set(rows.map((row) => row.number)), heads: new Set(rows.map((row) => row.headCommit)) }
    },

    async isOfStrangers(em, { id: repositoryId }, { pullRequest: number, fork, commit }) {
      if (number === 0) return fork
      const row = await em.findOne(PullRequestEntity, { repositoryId, number })
      return row ? (row.fork || fork) && (commit === '' || row.trustedCommit !== commit) : fork
    },

    async trust(em, { repositoryId, pullRequest, commit, by }) {
      const row = await em.findOne(PullRequestEntity, { repositoryId, number: pullRequest })
      if (!row) throw notFound('pull request', `#${pullRequest}`)
      const trust = { trustedCommit: commit, trustedByName: by }
      const where = { id: row.id, headCommit: commit }
      if ((await em.nativeUpdate(PullRequestEntity, where, { ...trust, waitingDeliveryId: null })) !== 1) {
        const message = `The pull request stands at ${row.headCommit.slice(0, 7)} by now: look at that first.`
        throw precondition('commit_moved', message, { commit: row.headCommit })
      }
      return row.waitingDeliveryId ?? undefined
    },
  }
}

/** By the forge's clock; what it does not say of counts as news. */
export function isOlder({ updatedAt }: Pick<PullRequestFacts, 'updatedAt'>, than: { updatedAt?: Date | undefined }) {
  return updatedAt !== undefined && than.updatedAt !== undefined && updatedAt < than.updatedAt
}

/** Whoever merges it has looked at it. */
export function waitsForTrust(event: ForgeEvent): boolean {
  return !(event.kind === 'pull_request' && event.action === 'merged')
}

const untrusted = {
  waitingDeliveryId: null,
  trustedCommit: '',
  trustedByName: '',
}

function factsOf(event: ForgeEvent): PullRequestFacts | undefined {
  return event.kind === 'pull_request' || event.kind === 'comment' ? event.pullRequest : undefined
}

function find(em: EntityManager, { id }: RepositoryRow, { number }: PullRequestFacts): Promise<PullRequestRow | null> {
  return em.findOne(PullRequestEntity, { repositoryId: id, number })
}

function stateAfter(action: PullRequestEvent['action']): PullRequestState {
  if (action === 'merged') return PullRequestState.MERGED
  return action === 'closed' ? PullRequestState.CLOSED : PullRequestState.OPEN
}

function toColumns(
  { title, url, author, draft, labels, head, base, fork }: PullRequestFacts,
  state: number,
  now: Date,
) {
  return {
    title: title.slice(0, 512),
    url: url.slice(0, 2048),
    author: author.slice(0, 255),
    state,
    draft,
    labels: JSON.stringify(labels.slice(0, 100)),
    headBranch: head.branch.slice(0, 255),
    headCommit: head.commit,
    headRepository: head.repository.slice(0, 255),
    baseBranch: base.branch.slice(0, 255),
    fork,
    updatedAt: now,
  }
}
