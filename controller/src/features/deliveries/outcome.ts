import { type DeliveryDecision, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { type Said, say } from '@ansflow/proto/texts/say'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { Audit, CallContext } from '../../transport/call.ts'
import type { ForgeEvent, OpenConnection } from '../forges/index.ts'
import type { TakeFile, TakenFile } from '../pipelines/index.ts'
import type { PullRequests, Repositories, RepositoryRow, Trust } from '../repositories/index.ts'
import type { StartDeps } from '../runs/index.ts'
import type { Decision } from './decide.ts'
import { type Plan, planOf, toDecision } from './decisions.ts'
import type { RepositoryDeliveryRow } from './delivery.entity.ts'
import { type Happening, subjectOf } from './happening.ts'
import { type JudgeDeps, type Judgement, judge, type StartTrust } from './judge.ts'
import { judgeRerun, type RerunDeps } from './judge-rerun.ts'
import { begunRuns, planRuns } from './plan-runs.ts'
import { readDelivered } from './read-delivered.ts'
import { type RepeatDecidedDeps, repeatDecided } from './repeat-decided.ts'
import { beginRun } from './start-decided.ts'
import { type TellNow, tellApproval, tellRefusal } from './tell-refusals.ts'

export interface WorkOffDeps extends StartDeps, TellNow, RepeatDecidedDeps, Pick<RerunDeps, 'sources'> {
  bus: Bus
  clock: Clock
  log: Logger
  audit: Audit
  repositories: Repositories
  pullRequests: PullRequests
  takeFile(asked: TakeFile): Promise<TakenFile>
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
  /** What it has started is untrusted: of that pull request. */
  untrusted?: ForgeEvent
}

interface Work {
  row: RepositoryDeliveryRow
  repository: RepositoryRow
  signal: AbortSignal
}

/** One event of it. */
interface EventWork extends Work {
  index: number
  connection: OpenConnection
  told: ForgeEvent
}

export async function outcomeOf(deps: WorkOffDeps, work: Work): Promise<Outcome> {
  const { row, repository } = work
  const connection = await deps.repositories.connectionOf(deps.db.em(), repository)
  const events = await readDelivered(deps.workers, row, connection.forge.kind, repository.id)
  if (!events) return { result: RepositoryDeliveryResult.NOTHING, why: say('delivery_json') }
  const outcomes: Outcome[] = []
  for (const [index, told] of events.entries()) {
    const event = { ...work, index, connection, told }
    const plan = planOf(row, index)
    outcomes.push(plan ? await finishPlan(deps, event, plan) : await outcomeOfEvent(deps, event))
  }
  return joined(outcomes)
}

async function outcomeOfEvent(deps: WorkOffDeps, work: EventWork): Promise<Outcome> {
  const { row, repository, told, index } = work
  const rerun = await judgeRerun({ ...deps, em: deps.db.em() }, { repository, delivery: row }, told)
  if (rerun) return repeatDecided(deps, { row, repository, index }, rerun)
  const judged = await judge(judgeDeps(deps, repository, row.id), askedOf(work), told)
  const { ref, commit, sender, happening, decided = [], why, waiting, trust } = judged
  const subject = { ref, commit, sender }
  if (waiting) {
    await tellApproval(deps, repository, commit, false)
    return { ...subject, result: RepositoryDeliveryResult.WAITS, waiting, ...(why && { why }) }
  }
  // What has waited is worked off once more.
  if (await isApproved(deps, repository, told)) {
    await tellApproval(deps, repository, commit, true)
  }
  for (const each of decided) await tellRefusal(deps, repository, commit, each)
  if (!happening || why) return { ...subject, result: RepositoryDeliveryResult.NOTHING, ...(why && { why }) }
  const begun = await begin(deps, { ...work, trust }, happening, decided)
  return { ...subject, ...begun, ...(trust.untrusted && { untrusted: told }) }
}

/** It comes from elsewhere, and somebody let it. */
async function isApproved(
  { pullRequests }: WorkOffDeps,
  repository: RepositoryRow,
  told: ForgeEvent,
): Promise<boolean> {
  const facts = told.kind === 'pull_request' || told.kind === 'comment' ? told.pullRequest : undefined
  return facts?.fork === true && (await pullRequests.trustOf(repository, told)).fork === 'trusted'
}

function askedOf({ row, repository, connection, signal }: EventWork) {
  return { repository, connection, signal, isRepeat: row.repeats !== null }
}

/**
 * Whoever planned it died, or something went wrong: what has begun is told, and the rest begins as it was planned, with that trust.
 * Where the commit is not there any more, or it cannot be begun now, that is said of the rest.
 */
async function finishPlan(deps: WorkOffDeps, work: EventWork, plan: Plan): Promise<Outcome> {
  const { row, repository, told } = work
  const { trust, commit } = plan
  const { ref, sender } = subjectOf(told, repository.fullName)
  const numbers = await begunRuns(deps, plan.decisions)
  const isAllBegun = numbers.size === plan.decisions.filter(({ runId }) => runId !== '').length
  const judging = plannedDeps(judgeDeps(deps, repository, row.id), plan)
  const judged: Partial<Judgement> = isAllBegun ? {} : await judge(judging, askedOf(work), told)
  const moved = say('delivery_moved', { name: ref, commit: commit.slice(0, 7) })
  const decisions: DeliveryDecision[] = []
  for (const planned of plan.decisions) {
    const { pipelineId, pipelineName, path, runId } = planned
    const number = numbers.get(runId)
    const named = { pipelineId, pipelineName, path }
    if (runId === '') decisions.push(planned)
    else if (number !== undefined) decisions.push(toDecision(named, { runId, runNumber: number }))
    else {
      const { happening, decided = [], why = moved } = judged
      const isSame = happening !== undefined && (happening.commit?.id ?? '') === commit
      const found = isSame ? decided.find((one) => one.pipelineId === pipelineId) : undefined
      if (!happening || !found?.start) decisions.push(toDecision({ ...named, why: found?.why ?? why }, {}))
      else decisions.push(await beginOne(deps, { ...work, trust, happening }, found, runId))
    }
  }
  const result = resultOf(decisions)
  const why = result === RepositoryDeliveryResult.NOTHING ? judged.why : undefined
  return { ref, commit, sender, result, decisions, ...(why && { why }), ...(trust.untrusted && { untrusted: told }) }
}

/**
 * Whoever has moved or approved it since changes nothing, only whoever wants nothing of forks any more. Of another commit the trust that
 * was planned says nothing.
 */
function plannedDeps(deps: JudgeDeps, { trust, commit }: Plan): JudgeDeps {
  const { note, trustOf, wait } = deps.pullRequests
  const planned: Trust = { fork: trust.untrusted ? 'untrusted' : 'trusted', baseRules: trust.fileOf !== '' }
  const isPlanned = (event: ForgeEvent) =>
    (event.kind !== 'pull_request' && event.kind !== 'comment') || event.pullRequest?.head.commit === commit
  const pullRequests: JudgeDeps['pullRequests'] = {
    async note(event, isRepeat) {
      return (await note(event, isRepeat)) || isPlanned(event)
    },
    async trustOf(event) {
      const now = await trustOf(event)
      return isPlanned(event) && now.fork !== 'none' ? planned : now
    },
    async wait(event) {
      if (isPlanned(event) && (await trustOf(event)).fork !== 'trusted') await wait(event)
      return isPlanned(event)
    },
  }
  return { ...deps, pullRequests }
}

function judgeDeps(deps: WorkOffDeps, repository: RepositoryRow, deliveryId: string): JudgeDeps {
  const { db, clock, workers, pullRequests, repositories, takeFile } = deps
  return {
    em: db.em(),
    workers,
    mirror: repositories.mirrorOf(repository),
    fetch: (until, news) => repositories.fetch(repository, until, news),
    pullRequests: {
      note: (event, isRepeat) => pullRequests.note(repository, event, isRepeat),
      trustOf: (event) => pullRequests.trustOf(repository, event),
      wait: (event) => pullRequests.wait(repository, event, deliveryId),
    },
    takeFile,
    change: changeBy(deps, repository, deliveryId),
    now: clock.now(),
  }
}

async function begin(
  deps: WorkOffDeps,
  work: EventWork & { trust: StartTrust },
  happening: Happening,
  decided: Decision[],
): Promise<Outcome> {
  const plan = { trust: work.trust, commit: happening.commit?.id ?? '' }
  const decisions: DeliveryDecision[] = []
  for (const { runId, ...decision } of await planRuns(deps, work, decided, plan)) {
    decisions.push(await beginOne(deps, { ...work, happening }, decision, runId))
  }
  return { result: resultOf(decisions), decisions }
}

/** Where it is to be begun. */
async function beginOne(
  deps: WorkOffDeps,
  { row, repository, trust, happening }: EventWork & { trust: StartTrust; happening: Happening },
  decision: Decision,
  runId: string,
): Promise<DeliveryDecision> {
  const { start } = decision
  if (!start) return toDecision(decision, {})
  const begun = await beginRun(deps, {
    delivery: row,
    repositoryName: repository.fullName,
    happening,
    start,
    trust,
    runId,
  })
  if (typeof begun === 'number') return toDecision(decision, { runId, runNumber: begun })
  const refused = { ...decision, why: begun }
  await tellRefusal(deps, repository, happening.commit?.id ?? '', refused)
  return toDecision(refused, {})
}

function resultOf(decisions: readonly DeliveryDecision[]): RepositoryDeliveryResult {
  const isStarted = decisions.some((each) => each.runId !== '')
  return isStarted ? RepositoryDeliveryResult.STARTED : RepositoryDeliveryResult.NOTHING
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
