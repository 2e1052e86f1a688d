// How pipelines do on the default branch: since when one is broken there, and which run was the last green one. Whoever asks reads one row
// a pipeline, however many runs there were.
import { RunStatus } from '@ansflow/proto/status'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Db, EntityManager, Transaction } from '../../platform/db.ts'
import type { PipelineParticipant } from '../pipelines/index.ts'
import { firstOfReruns, LostRace, oldestOf, type RunChange, type RunParticipant } from '../runs/index.ts'
import { BranchHealthEntity, type BranchHealthRow, RepositoryEntity } from './repository.entity.ts'

interface Tables {
  run_source: { run_id: string; repository_id: string; branch: string; pull_request: number }
}

export interface BranchHealth {
  participant: RunParticipant
  pipelines: PipelineParticipant
  /** Of the project, or of one repository of it, as their default branches are now; those that broke last first, at most 100. */
  broken(em: EntityManager, of: { projectId: string; repositoryId?: string }): Promise<BrokenRows>
}

export interface BrokenRows {
  rows: BranchHealthRow[]
  /** Of pipelines that have run on a default branch. */
  watched: number
}

const bad: readonly RunStatus[] = [RunStatus.FAILED, RunStatus.LOST]
const most = 100
/** Runs of a branch that are looked through. */
const atOnce = 200

export function branchHealth(db: Db, changed: (of: { repositoryId: string; projectId: string }) => void): BranchHealth {
  let news: { repositoryId: string; projectId: string }[] = []
  return {
    participant: {
      name: 'health of branches',
      wants: ({ ended, run }) => ended && counts(run),
      async write(to, changes) {
        news = []
        for (const change of changes) {
          const of = await note(db, to, change)
          if (of) news.push(of)
        }
      },
      committed() {
        for (const each of news) changed(each)
        news = []
      },
    },

    pipelines: {
      name: 'health of branches',
      async deleted(em, pipelineId) {
        await em.nativeDelete(BranchHealthEntity, { pipelineId })
      },
    },

    async broken(em, { projectId, repositoryId }) {
      const of = repositoryId === undefined ? { projectId } : { projectId, repositoryId }
      const rows = await em.find(
        BranchHealthEntity,
        { ...of, brokenRunId: { $ne: null } },
        { orderBy: { brokenRunId: 'desc' }, limit: most },
      )
      const repositories = await em.find(RepositoryEntity, { id: { $in: rows.map((row) => row.repositoryId) } })
      const branches = new Map(repositories.map(({ id, defaultBranch }) => [id, defaultBranch]))
      const watched = await em.count(BranchHealthEntity, of)
      return { rows: rows.filter((row) => branches.get(row.repositoryId) === row.branch), watched }
    },
  }
}

/** Runs that somebody canceled say nothing of it. */
function counts({ meta, status }: RunChange['run']): boolean {
  return isOfBranch(meta) && (status === RunStatus.SUCCEEDED || bad.includes(status))
}

/** As it is, and no test of a draft. */
function isOfBranch({
  version,
  origin: { git, cause },
}: Pick<RunChange['run']['meta'], 'version' | 'origin'>): boolean {
  if (!git || git.repositoryId === '' || git.branch === '' || git.pullRequest !== 0) return false
  return version !== 0 || cause.case === 'webhook'
}

async function note(db: Db, to: Transaction, { run, belongs }: RunChange) {
  const em = to.em()
  const { runId, pipelineId, projectId, origin } = run.meta
  const { repositoryId, branch } = origin.git!
  const repository = await em.findOne(RepositoryEntity, { id: repositoryId, projectId }, { fields: ['defaultBranch'] })
  if (!repository || repository.defaultBranch !== branch) return undefined
  // Several runs of the pipeline may end in one commit: as the one before has left it.
  const before = await em.findOne(BranchHealthEntity, { repositoryId, pipelineId }, { disableIdentityMap: true })
  const isGreen = run.status === RunStatus.SUCCEEDED
  const place = await firstOfReruns(db, em, runId, belongs.rerunOf)
  const known = before?.branch === branch ? before : undefined
  const after = known ? await moved(db, em, known, { runId, place, isGreen }) : begun({ runId, place, isGreen })
  const row = { ...after, projectId, branch, revision: (before?.revision ?? 0) + 1 }
  const held = { repositoryId, pipelineId, revision: before?.revision ?? 0 }
  const isOurs = before
    ? (await em.nativeUpdate(BranchHealthEntity, held, row)) === 1
    : await inserted(em, { repositoryId, pipelineId, ...row })
  if (!isOurs) throw new LostRace(`another run of pipeline ${pipelineId} has ended at this moment`)
  return { repositoryId, projectId }
}

async function inserted(em: EntityManager, row: BranchHealthRow): Promise<boolean> {
  try {
    await em.insert(BranchHealthEntity, row)
    return true
  } catch (error) {
    if (error instanceof UniqueConstraintViolationException) return false
    throw error
  }
}

type State = Pick<
  BranchHealthRow,
  'lastPlace' | 'lastRunId' | 'brokenPlace' | 'brokenRunId' | 'greenPlace' | 'greenRunId'
>
interface Ended {
  runId: string
  /** What is run again takes the place of what it was before. Ids grow with time. */
  place: string
  isGreen: boolean
}

const green = { brokenPlace: null, brokenRunId: null }

function begun({ runId, place, isGreen }: Ended): State {
  const last = { lastPlace: place, lastRunId: runId }
  return isGreen
    ? { ...last, ...green, greenPlace: place, greenRunId: runId }
    : { ...last, brokenPlace: place, brokenRunId: runId, greenPlace: null, greenRunId: null }
}

async function moved(db: Db, em: EntityManager, state: BranchHealthRow, ended: Ended): Promise<State> {
  const { runId, place, isGreen } = ended
  const { lastPlace, lastRunId, brokenPlace, brokenRunId, greenPlace, greenRunId } = state
  const same = { lastPlace, lastRunId, brokenPlace, brokenRunId, greenPlace, greenRunId }
  const isLast = place >= lastPlace
  const last = isLast ? { lastPlace: place, lastRunId: runId } : { lastPlace, lastRunId }
  if (isGreen) {
    if (isLast) return { ...begun(ended) }
    if (greenPlace && place < greenPlace) return same
    const greener = { ...same, greenPlace: place, greenRunId: runId }
    if (!brokenPlace || place < brokenPlace) return greener
    // One between has turned out green: what is broken is so since the next that was not.
    const since = await firstBad(db, em, state, place)
    return { ...greener, brokenPlace: since ?? lastPlace, brokenRunId: since ?? lastRunId }
  }
  // It is over: a later one was green.
  if (!isLast && greenPlace && place < greenPlace) return same
  if (!isLast && !brokenPlace) return same
  if (!brokenPlace || place < brokenPlace) return { ...same, ...last, brokenPlace: place, brokenRunId: runId }
  return { ...same, ...last }
}

/** After this place, up to the last that ended: few, unless a pipeline is broken for long and runs end in the wrong order. */
async function firstBad(db: Db, em: EntityManager, state: BranchHealthRow, after: string): Promise<string | undefined> {
  const { repositoryId, branch, pipelineId, lastPlace } = state
  for (let from = after; ; ) {
    const rows = await db
      .kysely<Tables>(em)
      .selectFrom('run_source')
      .select('run_id')
      .where('repository_id', '=', repositoryId)
      .where('branch', '=', branch)
      .where('pull_request', '=', 0)
      .where('run_id', '>', from)
      .where('run_id', '<=', lastPlace)
      .orderBy('run_id', 'asc')
      .limit(atOnce)
      .execute()
    const ids = rows.map((row) => row.run_id)
    const found = await oldestOf(db, em, ids, { pipelineId, statuses: bad, counts: isOfBranch })
    if (found || ids.length < atOnce) return found
    from = ids.at(-1)!
  }
}
