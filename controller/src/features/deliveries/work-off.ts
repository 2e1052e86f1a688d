// Works deliveries off: each is read, held against the repository, and asked of every pipeline. Any controller may; one at a time has a
// delivery, and whoever goes on with it begins no run twice.
import {
  type DeliveryDecision,
  DeliveryDecisionSchema,
  RepositoryDeliveryResult,
} from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { commandsOf } from '@ansflow/proto/repository-triggers'
import { saidText } from '@ansflow/proto/texts/said-text'
import { type Said, say } from '@ansflow/proto/texts/say'
import { problemOf } from '@ansflow/proto/validate'
import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import { GitError } from '../../platform/git/git.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Logger } from '../../platform/log.ts'
import type { Audit, CallContext } from '../../transport/call.ts'
import { type ForgeClient, ForgeError, type ForgeEvent, type OpenConnection } from '../forges/index.ts'
import type { TakeFile, TakenFile } from '../pipelines/index.ts'
import { type PullRequests, type Repositories, type RepositoryRow, waitsForTrust } from '../repositories/index.ts'
import type { StartDeps } from '../runs/index.ts'
import { claimDelivery } from './claim.ts'
import { type Decision, decide } from './decide.ts'
import { RepositoryDeliveryEntity, type RepositoryDeliveryRow } from './delivery.entity.ts'
import { deliveryTasks } from './delivery-task-file.ts'
import { type Happening, happeningOf, subjectOf } from './happening.ts'
import { bodyOf } from './inbox.ts'
import { beginRun } from './start-decided.ts'

export interface WorkOffDeps extends StartDeps {
  bus: Bus
  clock: Clock
  log: Logger
  audit: Audit
  repositories: Repositories
  pullRequests: PullRequests
  takeFile(asked: TakeFile): Promise<TakenFile>
}

/** Read at once. */
const pageSize = 50
/** Of several repositories at once. */
const atOnce = 4
const mostAttempts = 12

export function workOff(deps: WorkOffDeps): (signal: AbortSignal) => Promise<void> {
  return async (signal) => {
    for (let more = true; more && !signal.aborted; ) {
      const due = { result: RepositoryDeliveryResult.TAKEN, nextAt: { $lte: deps.clock.now() } }
      const rows = await deps.db
        .em()
        .find(RepositoryDeliveryEntity, due, { orderBy: { id: 'asc' }, limit: pageSize, exclude: ['body'] })
      const queues = [...Map.groupBy(rows, (row) => row.repositoryId).values()]
      let done = 0
      const lane = async () => {
        for (let queue = queues.shift(); queue; queue = queues.shift()) {
          for (const row of queue) if (await workOne(deps, row as RepositoryDeliveryRow, signal)) done++
        }
      }
      await Promise.all(Array.from({ length: atOnce }, lane))
      more = rows.length === pageSize && done > 0
    }
  }
}

/** What became of it. */
interface Outcome {
  result: RepositoryDeliveryResult
  ref?: string
  commit?: string
  sender?: string
  decisions?: DeliveryDecision[]
  why?: Said
}

async function workOne(deps: WorkOffDeps, row: RepositoryDeliveryRow, stopping: AbortSignal): Promise<boolean> {
  const { db, log, clock } = deps
  const claim = await claimDelivery(deps, row, stopping)
  if (!claim) return false
  try {
    const whole = await db.em().findOne(RepositoryDeliveryEntity, { id: row.id })
    const repository = whole && (await deps.repositories.find(db.em(), row.repositoryId))
    // Its repository is not connected any more.
    if (!whole || !repository) {
      await db.em().nativeDelete(RepositoryDeliveryEntity, { id: row.id })
      return true
    }
    const outcome = await outcomeOf(deps, { row: whole, repository, signal: claim.signal })
    await close(deps, row, outcome)
    return true
  } catch (error) {
    if (claim.signal.aborted) return false
    const detail = error instanceof Error ? error.message : String(error)
    const attempts = row.attempts + 1
    const isExpected = error instanceof GitError || error instanceof ForgeError
    log.warn(
      { ...(isExpected ? { problem: detail } : { err: error }), deliveryId: row.id },
      'a delivery is not worked off yet',
    )
    if (attempts >= mostAttempts) {
      const why = say('delivery_tired', { count: attempts, detail: isExpected ? detail : 'an error in AnsFlow' })
      await close(deps, row, { result: RepositoryDeliveryResult.FAILED, why })
      return true
    }
    const waitMs = Math.min(1000 * 2 ** attempts, 600_000)
    const said = say('delivery_unread', { detail: isExpected ? detail : 'an error in AnsFlow' })
    await db
      .em()
      .nativeUpdate(
        RepositoryDeliveryEntity,
        { id: row.id, result: RepositoryDeliveryResult.TAKEN },
        { attempts, nextAt: new Date(clock.now().getTime() + waitMs), ...toColumns(said) },
      )
    return false
  } finally {
    claim.release()
  }
}

interface Work {
  row: RepositoryDeliveryRow
  repository: RepositoryRow
  signal: AbortSignal
}

async function outcomeOf(deps: WorkOffDeps, work: Work): Promise<Outcome> {
  const { row, repository } = work
  const connection = await deps.repositories.connectionOf(deps.db.em(), repository)
  const headers = Object.fromEntries(JSON.parse(row.headers) as [string, string][])
  const events = await deps.workers.run(
    deliveryTasks,
    'readDelivery',
    { kind: connection.forge.kind, headers, body: await bodyOf(row) },
    '',
  )
  if (!events) return { result: RepositoryDeliveryResult.NOTHING, why: say('delivery_json') }
  const outcomes: Outcome[] = []
  for (const event of events) outcomes.push(await outcomeOfEvent(deps, work, connection, event))
  return joined(outcomes)
}

async function outcomeOfEvent(
  deps: WorkOffDeps,
  { row, repository, signal }: Work,
  connection: OpenConnection,
  told: ForgeEvent,
): Promise<Outcome> {
  const event = await wholeEvent(told, repository, connection, signal)
  const { why, ...subject } = subjectOf(event, repository.fullName)
  const nothing = (said: Said): Outcome => ({ ...subject, result: RepositoryDeliveryResult.NOTHING, why: said })
  if (why || event.kind === 'ping' || event.kind === 'ignored') return nothing(why!)
  if (event.kind === 'pull_request') await deps.pullRequests.note(repository, event)
  const { fork, baseRules } = await deps.pullRequests.trustOf(repository, event)
  if (fork === 'none') {
    return nothing(say('delivery_fork_none', { repository: headRepositoryOf(event) }))
  }
  if (fork === 'approve' && waitsForTrust(event)) {
    await deps.pullRequests.wait(repository, event, row.id)
    const { ref: _, commit } = subject
    const said = say('delivery_fork', { repository: headRepositoryOf(event), commit: commit.slice(0, 7) })
    return { ...subject, result: RepositoryDeliveryResult.WAITS, why: said }
  }
  const refused = event.kind === 'comment' ? await commentRefusal(event, repository, connection, signal) : undefined
  if (refused) return nothing(refused)
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
  if (decided.length === 0) return { ...nothing(say('delivery_none')), commit }
  return { ...subject, commit, ...(await begin(deps, row, repository, happening, decided)) }
}

/** Forges that do not say with a comment what it is about are asked: whether it may be trusted hangs on that. */
async function wholeEvent(
  event: ForgeEvent,
  { fullName }: RepositoryRow,
  connection: OpenConnection,
  signal: AbortSignal,
): Promise<ForgeEvent> {
  if (event.kind !== 'comment' || event.pullRequest || commandsOf(event.body).length === 0) return event
  if (!connection.client.pullRequest) return event
  const ask = (client: ForgeClient, until: AbortSignal) => client.pullRequest!(fullName, event.number, until)
  return { ...event, pullRequest: await connection.ask(ask, signal) }
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
  row: RepositoryDeliveryRow,
  repository: RepositoryRow,
  happening: Happening,
  decided: Decision[],
): Promise<Outcome> {
  // Somebody may have begun them already.
  const known = new Map(decisionsOf(row).map((each) => [each.pipelineId, each.runId]))
  const planned = decided.map((each) => ({
    ...each,
    runId: each.start ? known.get(each.pipelineId) || uuidv7() : '',
  }))
  const isPlanned = await deps.db
    .em()
    .nativeUpdate(
      RepositoryDeliveryEntity,
      { id: row.id, result: RepositoryDeliveryResult.TAKEN },
      { decisions: jsonOf(planned.map((each) => toDecision(each, { runId: each.runId }))) },
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

async function close(deps: WorkOffDeps, { id, repositoryId, projectId }: RepositoryDeliveryRow, outcome: Outcome) {
  const { result, ref = '', commit = '', sender = '', decisions = [], why } = outcome
  await deps.db.em().nativeUpdate(
    RepositoryDeliveryEntity,
    { id, result: RepositoryDeliveryResult.TAKEN },
    {
      result,
      nextAt: null,
      ref: ref.slice(0, 255),
      commit: commit.slice(0, 64),
      sender: sender.slice(0, 255),
      decisions: jsonOf(decisions),
      ...toColumns(why),
    },
  )
  deps.bus.publish('repository.changed', { repositoryId, projectId })
}

/** Of a delivery that tells of several things: all that was decided, and the first that says why nothing was. */
function joined(outcomes: Outcome[]): Outcome {
  const order = [RepositoryDeliveryResult.STARTED, RepositoryDeliveryResult.WAITS, RepositoryDeliveryResult.NOTHING]
  const [first] = [...outcomes].sort((a, b) => order.indexOf(a.result) - order.indexOf(b.result))
  return { ...first!, decisions: outcomes.flatMap((each) => each.decisions ?? []) }
}

export function decisionsOf({ decisions }: Pick<RepositoryDeliveryRow, 'decisions'>): DeliveryDecision[] {
  return (JSON.parse(decisions) as JsonValue[]).map((each) =>
    fromJson(DeliveryDecisionSchema, each, { ignoreUnknownFields: true }),
  )
}

function toDecision(
  { pipelineId, pipelineName, path, why }: Decision,
  run: { runId?: string; runNumber?: number },
): DeliveryDecision {
  const reason = why && { reason: saidText(why), reasonInfo: problemOf({ said: why, field: 'on' }) }
  return create(DeliveryDecisionSchema, { pipelineId, pipelineName, path, ...run, ...reason })
}

function jsonOf(decisions: DeliveryDecision[]): string {
  return JSON.stringify(decisions.map((each) => toJson(DeliveryDecisionSchema, each)))
}

export function toColumns(said: Said | undefined): Pick<RepositoryDeliveryRow, 'problem' | 'said'> {
  return { problem: said ? saidText(said).slice(0, 512) : '', said: said ? JSON.stringify(said) : null }
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
