// What comes of a delivery: each thing that it tells of is held against the repository and asked of every pipeline, and what that says is
// started.
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { type DeliveryDecision, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { saidText } from '@ansflow/proto/texts/said-text'
import { type Said, say } from '@ansflow/proto/texts/say'
import { commandsOf } from '@ansflow/proto/triggers/repository-triggers'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Logger } from '../../platform/log.ts'
import type { Audit, CallContext } from '../../transport/call.ts'
import { type ForgeEvent, forgeTasks, type OpenConnection } from '../forges/index.ts'
import type { TakeFile, TakenFile } from '../pipelines/index.ts'
import { type PullRequests, type Repositories, type RepositoryRow, waitsForTrust } from '../repositories/index.ts'
import type { StartDeps } from '../runs/index.ts'
import type { StatusNews } from '../statuses/index.ts'
import { type Decision, decide } from './decide.ts'
import { runIdsOf, toDecision, withDecisions } from './decisions.ts'
import { RepositoryDeliveryEntity, type RepositoryDeliveryRow } from './delivery.entity.ts'
import { type Happening, happeningOf, subjectOf } from './happening.ts'
import { bodyOf } from './inbox.ts'
import { noticedEvent } from './notice-pushes.ts'
import { beginRun } from './start-decided.ts'

export interface WorkOffDeps extends StartDeps {
  bus: Bus
  clock: Clock
  log: Logger
  audit: Audit
  repositories: Repositories
  pullRequests: PullRequests
  takeFile(asked: TakeFile): Promise<TakenFile>
  tellNow(news: Omit<StatusNews, 'now'>): Promise<void>
}

/** What became of it. */
export interface Outcome {
  result: RepositoryDeliveryResult
  ref?: string
  commit?: string
  sender?: string
  decisions?: DeliveryDecision[]
  why?: Said
  /** Of WAITS: what somebody has to approve. */
  waiting?: ForgeEvent
}

interface Work {
  row: RepositoryDeliveryRow
  repository: RepositoryRow
  signal: AbortSignal
}

export async function outcomeOf(deps: WorkOffDeps, work: Work): Promise<Outcome> {
  const { row, repository } = work
  const connection = await deps.repositories.connectionOf(deps.db.em(), repository)
  const headers = Object.fromEntries(JSON.parse(row.headers) as [string, string][])
  const events = await deps.workers.run(
    forgeTasks,
    'readDelivery',
    { kind: row.event === noticedEvent ? ForgeKind.GIT : connection.forge.kind, headers, body: await bodyOf(row) },
    '',
  )
  if (!events) return { result: RepositoryDeliveryResult.NOTHING, why: say('delivery_json') }
  const outcomes: Outcome[] = []
  for (const [index, event] of events.entries()) {
    outcomes.push(await outcomeOfEvent(deps, { ...work, index }, connection, event))
  }
  return joined(outcomes)
}

async function outcomeOfEvent(
  deps: WorkOffDeps,
  { row, repository, signal, index }: Work & { index: number },
  connection: OpenConnection,
  told: ForgeEvent,
): Promise<Outcome> {
  const event = await wholeEvent(told, repository, connection, signal)
  const { why, ...subject } = subjectOf(event, repository.fullName)
  const nothing = (said: Said): Outcome => ({ ...subject, result: RepositoryDeliveryResult.NOTHING, why: said })
  if (why || event.kind === 'ping' || event.kind === 'ignored') return nothing(why!)
  if (event.kind === 'pull_request') await deps.pullRequests.note(repository, event, row.repeats !== null)
  // Before it waits for anything: what a stranger writes is not to be waited for.
  const refused = event.kind === 'comment' ? await commentRefusal(event, repository, connection, signal) : undefined
  if (refused) return nothing(refused)
  const { fork, baseRules } = await deps.pullRequests.trustOf(repository, event)
  if (fork === 'none') {
    return nothing(say('delivery_fork_none', { repository: headRepositoryOf(event) }))
  }
  if (fork === 'approve' && waitsForTrust(event)) {
    const { ref, commit } = subject
    const isHead = await deps.pullRequests.wait(repository, event, row.id)
    if (!isHead) return nothing(say('delivery_moved', { name: ref, commit: commit.slice(0, 7) }))
    const said = say('delivery_fork', { repository: headRepositoryOf(event), commit: commit.slice(0, 7) })
    return { ...subject, result: RepositoryDeliveryResult.WAITS, why: said, waiting: event }
  }
  const mirror = deps.repositories.mirrorOf(repository)
  const happening = await happeningOf(event, {
    repository,
    mirror,
    fetch: (until) => deps.repositories.fetch(repository, until),
    pullRequestRef: (number) => connection.forge.pullRequestRef(number),
    signal,
  })
  if (!('event' in happening)) return nothing(happening)
  const commit = happening.commit?.id ?? subject.commit
  const head = (await mirror.commit(`refs/heads/${repository.defaultBranch}`))?.id
  const filesAt = baseRules ? happening.git.baseCommit || head : happening.commit?.id
  const decided = await decide(
    {
      em: deps.db.em(),
      workers: deps.workers,
      takeFile: deps.takeFile,
      change: changeBy(deps, repository, row.id),
      now: deps.clock.now(),
    },
    { repository, mirror, happening, filesAt, head },
  )
  for (const each of decided) await tellWrongFile(deps, repository, commit, each)
  if (decided.length === 0) return { ...nothing(noneOf(happening)), commit }
  return { ...subject, commit, ...(await begin(deps, { row, repository, index }, happening, decided)) }
}

const ofWrongFiles: readonly string[] = ['delivery_file', 'delivery_file_unread', 'delivery_name']

/** Whoever pushed it looks at the forge: a file that cannot run says so beside its commit. */
async function tellWrongFile(
  { tellNow }: WorkOffDeps,
  { id: repositoryId, projectId }: RepositoryRow,
  commit: string,
  { path, why }: Decision,
): Promise<void> {
  if (path === '' || commit === '' || !why || !ofWrongFiles.includes(why.code)) return
  const said = { name: path, state: 'failed' as const, description: saidText(why), summary: '' }
  await tellNow({ repositoryId, projectId, commit, runId: '', ...said })
}

function noneOf({ event: { kind, action, branch = '', tag = '' } }: Happening): Said {
  const isGone = (kind === 'push' || kind === 'tag') && action === 'deleted'
  return isGone ? say('gate_deleted', { name: (tag || branch).slice(0, 100) }) : say('delivery_none')
}

/** Forges that do not say with a comment what it is about, or only the beginning of a commit, are asked: trust hangs on that. */
async function wholeEvent(
  event: ForgeEvent,
  { fullName }: RepositoryRow,
  connection: OpenConnection,
  signal: AbortSignal,
): Promise<ForgeEvent> {
  if (!connection.client.pullRequest) return event
  const ask = (number: number) =>
    connection.ask((client, until) => client.pullRequest!(fullName, number, until), signal)
  if (event.kind === 'pull_request' && event.pullRequest.head.commit === '') {
    return { ...event, pullRequest: await ask(event.pullRequest.number) }
  }
  if (event.kind !== 'comment' || commandsOf(event.body).length === 0) return event
  return event.pullRequest?.head.commit ? event : { ...event, pullRequest: await ask(event.number) }
}

function headRepositoryOf(event: ForgeEvent): string {
  const facts = event.kind === 'pull_request' || event.kind === 'comment' ? event.pullRequest : undefined
  return facts?.head.repository || 'another repository'
}

/** Who may push may have something run. */
async function commentRefusal(
  { author }: Extract<ForgeEvent, { kind: 'comment' }>,
  { fullName }: RepositoryRow,
  connection: OpenConnection,
  signal: AbortSignal,
): Promise<Said | undefined> {
  if (!connection.client.mayPush) return say('delivery_comment_forge')
  const may = await connection.ask((client, until) => client.mayPush!(fullName, author, until), signal)
  return may ? undefined : say('delivery_comment', { sender: author.slice(0, 100) || '?' })
}

async function begin(
  deps: WorkOffDeps,
  { row, repository, index }: Pick<Work, 'row' | 'repository'> & { index: number },
  happening: Happening,
  decided: Decision[],
): Promise<Outcome> {
  // Somebody may have begun them already.
  const known = runIdsOf(row, index)
  const planned = decided.map((each) => ({
    ...each,
    runId: each.start ? known.get(each.pipelineId) || uuidv7() : '',
  }))
  row.decisions = withDecisions(
    row,
    index,
    planned.map((each) => toDecision(each, { runId: each.runId })),
  )
  const isPlanned = await deps.db
    .em()
    .nativeUpdate(
      RepositoryDeliveryEntity,
      { id: row.id, result: RepositoryDeliveryResult.TAKEN },
      { decisions: row.decisions },
    )
  if (isPlanned !== 1) return { result: RepositoryDeliveryResult.NOTHING }
  const decisions: DeliveryDecision[] = []
  for (const { runId, ...each } of planned) {
    if (!each.start) decisions.push(toDecision(each, {}))
    else {
      const { start } = each
      const begun = await beginRun(deps, {
        delivery: row,
        repositoryName: repository.fullName,
        happening,
        start,
        runId,
      })
      decisions.push(
        typeof begun === 'number'
          ? toDecision(each, { runId, runNumber: begun })
          : toDecision({ ...each, why: begun }, {}),
      )
    }
  }
  const isStarted = decisions.some((each) => each.runId !== '')
  return { result: isStarted ? RepositoryDeliveryResult.STARTED : RepositoryDeliveryResult.NOTHING, decisions }
}

/** Of a delivery that tells of several things: all that was decided, and the first that says why nothing was. */
function joined(outcomes: Outcome[]): Outcome {
  const order = [RepositoryDeliveryResult.STARTED, RepositoryDeliveryResult.WAITS, RepositoryDeliveryResult.NOTHING]
  const [first] = [...outcomes].sort((a, b) => order.indexOf(a.result) - order.indexOf(b.result))
  return { ...first!, decisions: outcomes.flatMap((each) => each.decisions ?? []) }
}

/** As acts of the repository, which no person is behind. */
export function changeBy({ audit }: WorkOffDeps, repository: RepositoryRow, id: string): CallContext['change'] {
  const { organizationId, projectId, fullName } = repository
  const act = {
    caller: { kind: 'anonymous' as const },
    action: 'repository/push',
    scope: { organizationId, projectId },
    peer: { address: '', userAgent: fullName },
    requestId: id,
  }
  return (work) => audit.change(act, work)
}
