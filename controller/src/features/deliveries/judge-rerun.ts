// What becomes of what an app sends: a check that somebody wants to be run again is of a run that has been, so no pipeline is asked, and
// the repository is not read. Everything else of it comes by the repository's own hook too, and would start twice.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import { type Said, say } from '@ansflow/proto/texts/say'
import type { Db, EntityManager } from '../../platform/db.ts'
import type { ForgeEvent } from '../forges/index.ts'
import type { RepositoryRow, RunSources } from '../repositories/index.ts'
import { readRunHeads } from '../runs/index.ts'
import { decisionsOf } from './decisions.ts'
import type { RepositoryDeliveryRow } from './delivery.entity.ts'
import { subjectOf } from './happening.ts'

export interface RerunDeps {
  db: Db
  em: EntityManager
  sources: Pick<RunSources, 'ofCommit'>
}

/** As it is kept; of one that nobody has sent, what would be. */
export type RerunDelivery = Pick<RepositoryDeliveryRow, 'byApp' | 'event' | 'decisions'>

export interface RerunDecision {
  pipelineId: string
  pipelineName: string
  /** Reruns are of no file: of the run's own graph. */
  path: ''
  /** Why not. */
  why?: Said
  /** To be run again. */
  start?: Run
}

export interface RerunJudgement {
  ref: string
  commit: string
  sender: string
  /** Nothing comes of it: why. */
  why?: Said
  decided: RerunDecision[]
}

/** Undefined: the pipelines are to be asked. */
export async function judgeRerun(
  deps: RerunDeps,
  { repository, delivery }: { repository: RepositoryRow; delivery: RerunDelivery },
  event: ForgeEvent,
): Promise<RerunJudgement | undefined> {
  if (event.kind !== 'rerun' && !delivery.byApp) return undefined
  const { why, ...subject } = subjectOf(event, repository.fullName)
  const nothing = (said: Said): RerunJudgement => ({ ...subject, why: said, decided: [] })
  if (why) return nothing(why)
  if (event.kind !== 'rerun') return nothing(say('delivery_app', { event: delivery.event }))
  const told = await toldOf(deps, repository, { commit: event.commit, delivery })
  const last = new Map(told.toReversed().map((run) => [run.pipelineId, run]))
  if (event.of === undefined) {
    if (last.size === 0) return nothing(say('delivery_commit'))
    return { ...subject, decided: [...last.values()].reverse().map((run) => decide(run, run)) }
  }
  const run = told.find(({ id }) => id === event.of)
  if (!run) return nothing(say('delivery_check'))
  return { ...subject, decided: [decide(run, last.get(run.pipelineId)!)] }
}

/** `last`: of the same pipeline for the commit. While that goes on, whoever asks once more is answered by it. */
function decide(run: Run, last: Run): RerunDecision {
  const { pipelineId, pipelineName } = run
  const named = { pipelineId, pipelineName, path: '' } as const
  const open = [run, last].find(({ status }) => !isTerminal(status))
  return open ? { ...named, why: say('delivery_rerun_open', { number: open.number }) } : { ...named, start: run }
}

/** Runs for the commit of which the forge was told, newest first, without those that the delivery itself has begun. */
async function toldOf(
  { db, em, sources }: RerunDeps,
  { id, projectId }: RepositoryRow,
  { commit, delivery }: { commit: string; delivery: RerunDelivery },
): Promise<Run[]> {
  const own = new Set(decisionsOf(delivery).map(({ runId }) => runId))
  const ids = (await sources.ofCommit(em, id, commit)).filter((each) => !own.has(each))
  const known = new Map((await readRunHeads(db, em, ids)).map((run) => [run.id, run]))
  return ids.flatMap((each) => known.get(each) ?? []).filter((run) => run.projectId === projectId && isTold(run))
}

/** Drafts that somebody tries are not: see the participant of statuses. */
function isTold({ version, rerunOf, origin }: Run): boolean {
  if (version > 0 || origin?.cause.case === 'webhook') return true
  return rerunOf !== '' && origin?.verified === true
}
