import { type DeliveryDecision, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { type Said, say } from '@ansflow/proto/texts/say'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { Audit, CallContext } from '../../transport/call.ts'
import type { ForgeEvent, OpenConnection } from '../forges/index.ts'
import type { TakeFile, TakenFile } from '../pipelines/index.ts'
import type { PullRequests, Repositories, RepositoryRow } from '../repositories/index.ts'
import type { StartDeps } from '../runs/index.ts'
import type { Decision } from './decide.ts'
import { toDecision } from './decisions.ts'
import type { RepositoryDeliveryRow } from './delivery.entity.ts'
import type { Happening } from './happening.ts'
import { type JudgeDeps, judge, type StartTrust } from './judge.ts'
import { judgeRerun, type RerunDeps } from './judge-rerun.ts'
import { planRuns } from './plan-runs.ts'
import { readDelivered } from './read-delivered.ts'
import { type RepeatDecidedDeps, repeatDecided } from './repeat-decided.ts'
import { beginRun } from './start-decided.ts'
import { type TellNow, tellRefusal } from './tell-refusals.ts'

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

export async function outcomeOf(deps: WorkOffDeps, work: Work): Promise<Outcome> {
  const { row, repository } = work
  const connection = await deps.repositories.connectionOf(deps.db.em(), repository)
  const events = await readDelivered(deps.workers, row, connection.forge.kind, repository.id)
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
  const rerun = await judgeRerun({ ...deps, em: deps.db.em() }, { repository, delivery: row }, told)
  if (rerun) return repeatDecided(deps, { row, repository, index }, rerun)
  const asked = { repository, connection, signal, isRepeat: row.repeats !== null }
  const judged = await judge(judgeDeps(deps, repository, row.id), asked, told)
  const { ref, commit, sender, happening, decided = [], why, waiting, trust } = judged
  const subject = { ref, commit, sender }
  if (waiting) return { ...subject, result: RepositoryDeliveryResult.WAITS, waiting, ...(why && { why }) }
  for (const each of decided) await tellRefusal(deps, repository, commit, each)
  if (!happening || why) return { ...subject, result: RepositoryDeliveryResult.NOTHING, ...(why && { why }) }
  const begun = await begin(deps, { row, repository, index, trust }, happening, decided)
  return { ...subject, ...begun, ...(trust.untrusted && { untrusted: told }) }
}

function judgeDeps(deps: WorkOffDeps, repository: RepositoryRow, deliveryId: string): JudgeDeps {
  const { db, clock, workers, pullRequests, repositories, takeFile } = deps
  return {
    em: db.em(),
    workers,
    mirror: repositories.mirrorOf(repository),
    fetch: (until) => repositories.fetch(repository, until),
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
  { row, repository, index, trust }: Pick<Work, 'row' | 'repository'> & { index: number; trust: StartTrust },
  happening: Happening,
  decided: Decision[],
): Promise<Outcome> {
  const decisions: DeliveryDecision[] = []
  for (const { runId, ...each } of await planRuns(deps, { row, index }, decided)) {
    if (!each.start) decisions.push(toDecision(each, {}))
    else {
      const { start } = each
      const begun = await beginRun(deps, {
        delivery: row,
        repositoryName: repository.fullName,
        happening,
        start,
        trust,
        runId,
      })
      if (typeof begun !== 'number') {
        await tellRefusal(deps, repository, happening.commit?.id ?? '', { ...each, why: begun })
      }
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
