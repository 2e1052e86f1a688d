// What would come of an event, by what works deliveries off: pull requests and files are looked at instead of being kept.
import {
  type ExplainEventRequest,
  type ExplainedEvent,
  ExplainedEventSchema,
  type ExplainedStart,
  ExplainedStartSchema,
  RepositoryDeliveryResult,
} from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { limits } from '@ansflow/proto/limits'
import { saidText } from '@ansflow/proto/texts/said-text'
import type { Said } from '@ansflow/proto/texts/say'
import { problemOf } from '@ansflow/proto/validate'
import { create } from '@bufbuild/protobuf'
import type { Clock } from '../../platform/clock.ts'
import type { CallContext } from '../../transport/call.ts'
import { personOf } from '../../transport/call.ts'
import { ForgeError, type ForgeEvent, refusedBy } from '../forges/index.ts'
import type { TakeFile, TakenFile } from '../pipelines/index.ts'
import { isOlder, type PullRequests, type Repositories, type RepositoryRow, readable } from '../repositories/index.ts'
import type { StartDeps } from '../runs/index.ts'
import type { Decision } from './decide.ts'
import { eventsToExplain, type ToExplain } from './event-to-explain.ts'
import type { ForgeAnswers } from './forge-answers.ts'
import type { Happening } from './happening.ts'
import { type JudgeDeps, type Judgement, judge } from './judge.ts'
import { judgeRerun, type RerunDeps, type RerunJudgement } from './judge-rerun.ts'
import { rehearseRun } from './start-decided.ts'

export interface ExplainDeps extends Pick<StartDeps, 'db' | 'workers'>, Pick<RerunDeps, 'sources'> {
  clock: Clock
  repositories: Repositories
  pullRequests: PullRequests
  foreseeFiles(): (asked: TakeFile) => Promise<TakenFile>
  answers: ForgeAnswers
}

export async function explainEvent(
  deps: ExplainDeps,
  { em, signal, ...ctx }: CallContext,
  request: ExplainEventRequest,
): Promise<ExplainedEvent[]> {
  const { repositories, pullRequests, workers } = deps
  const repository = await repositories.load(em, request.repositoryId)
  const connection = await repositories.connectionOf(em, repository)
  const mirror = repositories.mirrorOf(repository)
  const by = personOf({ em, signal, ...ctx }).userId
  const explain = async (): Promise<ExplainedEvent[]> => {
    const around = { em, workers, repository, connection, pullRequests, mirror, signal, by }
    const { events, ...asked } = await eventsToExplain(around, request)
    const found: ExplainedEvent[] = []
    const unsigned = asked.isUnsigned && { known: (number: number) => pullRequests.known(repository, number) }
    for (const event of events) {
      const rerun = await judgeRerun({ db: deps.db, em, sources: deps.sources }, { repository, ...asked }, event)
      if (rerun) {
        found.push(explainRerun(rerun))
        continue
      }
      const recall: ForgeAnswers = (question, ask) => deps.answers(`${asked.delivery.id} ${question}`, ask)
      const { isRepeat } = asked
      const judged = { repository, connection, signal, isRepeat, recall, ...(unsigned && { unsigned }) }
      const judgement = await judge(lookingOn(deps, repository), judged, event)
      const { ref, commit, sender, why, assumed, waiting, happening, decided = [], filesAt = '', trust } = judgement
      const starts: ExplainedStart[] = []
      if (happening) {
        for (const each of decided) {
          const start = await explainStart(deps, repository, { ...asked, trust }, happening, each)
          starts.push({ ...start, fileCommit: each.path === '' ? '' : filesAt })
        }
      }
      const one = create(ExplainedEventSchema, { ref, commit, sender, ...said(why ?? assumed), starts })
      one.result = resultOf(waiting, starts)
      if (happening) Object.assign(one, factsOf(happening))
      found.push(one)
    }
    return found
  }
  return readable(repository, explain).catch((error: unknown) => {
    throw error instanceof ForgeError ? refusedBy(error) : error
  })
}

/** Looks on only: what is told of a pull request counts for this event and is not noted. */
function lookingOn(deps: ExplainDeps, repository: RepositoryRow): JudgeDeps {
  const { db, clock, workers, pullRequests, repositories, foreseeFiles } = deps
  const mirror = repositories.mirrorOf(repository)
  let told: { number: number; head: string } | undefined
  return {
    em: db.em(),
    workers,
    mirror,
    // Unlike that of deliveries it leaves no note of when it was.
    fetch: (until, news) => mirror.fetch(until, news),
    pullRequests: {
      async note({ pullRequest: { number, head, updatedAt } }, isRepeat) {
        const known = await pullRequests.known(repository, number)
        told = { number, head: (isRepeat && known?.head.commit) || head.commit }
        return !known || known.head.commit === head.commit || !isOlder({ updatedAt }, known)
      },
      trustOf: (event) => pullRequests.trustOf(repository, event),
      async wait(event) {
        const facts = 'pullRequest' in event ? event.pullRequest : undefined
        if (!facts || facts.head.commit === '') return false
        const head =
          told?.number === facts.number ? told.head : (await pullRequests.known(repository, facts.number))?.head.commit
        return head === facts.head.commit
      },
    },
    takeFile: foreseeFiles(),
    change: () => Promise.reject(new Error('Explaining changes nothing.')),
    now: clock.now(),
  }
}

async function explainStart(
  deps: ExplainDeps,
  { fullName }: RepositoryRow,
  { delivery, trust }: Pick<ToExplain, 'delivery'> & Pick<Judgement, 'trust'>,
  happening: Happening,
  { pipelineId, pipelineName, path, why, start }: Decision,
): Promise<ExplainedStart> {
  const named = { pipelineId, pipelineName, path }
  if (!start) return create(ExplainedStartSchema, { ...named, ...reason(why) })
  const { version } = start
  const prepared = await rehearseRun(deps, { delivery, repositoryName: fullName, happening, start, trust })
  if (!('origin' in prepared)) return create(ExplainedStartSchema, { ...named, version, ...reason(prepared) })
  return create(ExplainedStartSchema, { ...named, version, starts: true, ...prepared })
}

/** As it was: for the same state, with the same inputs. */
function explainRerun({ ref, commit, sender, why, decided }: RerunJudgement): ExplainedEvent {
  const starts = decided.map(({ why: not, start, ...named }) =>
    create(ExplainedStartSchema, {
      ...named,
      ...reason(not),
      ...(start && { starts: true, version: start.version, inputs: start.inputs, origin: start.origin }),
    }),
  )
  return create(ExplainedEventSchema, {
    ref,
    commit,
    sender,
    ...said(why),
    starts,
    result: resultOf(undefined, starts),
  })
}

function resultOf(waiting: ForgeEvent | undefined, starts: readonly ExplainedStart[]): RepositoryDeliveryResult {
  if (waiting) return RepositoryDeliveryResult.WAITS
  return starts.some((each) => each.starts) ? RepositoryDeliveryResult.STARTED : RepositoryDeliveryResult.NOTHING
}

/** Characters of all paths together. */
const mostPathText = 1024 * 1024

function factsOf({ git, changed }: Happening): Pick<ExplainedEvent, 'git' | 'changedFiles' | 'changedKnown'> {
  const text = changed?.paths.slice(0, mostPathText) ?? ''
  const paths = text === '' ? [] : text.split('\0', limits.explainedPaths + 1)
  // The last may be cut.
  if (text.length < (changed?.paths.length ?? 0)) paths.pop()
  return { git, changedFiles: paths.slice(0, limits.explainedPaths), changedKnown: changed !== undefined }
}

function said(why: Said | undefined) {
  return why && { problem: saidText(why), problemInfo: problemOf({ said: why, field: 'on' }) }
}

function reason(why: Said | undefined) {
  return why && { reason: saidText(why), reasonInfo: problemOf({ said: why, field: 'on' }) }
}
