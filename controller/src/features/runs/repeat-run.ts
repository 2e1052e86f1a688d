// What failed of a run, run again for somebody who is not asked how: what cannot be reused is run again with it.
import { AppError, notFound } from '@ansflow/proto/errors'
import { type Run, type RunOrigin, RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { RunStatus } from '@ansflow/proto/status'
import { create, type JsonObject } from '@bufbuild/protobuf'
import type { Clock } from '../../platform/clock.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import { findProject } from '../projects/index.ts'
import type { RunStart } from './driver/insert-runs.ts'
import { type LoadedRun, loadRun } from './driver/load-run.ts'
import type { RunDriver } from './driver/run-driver.ts'
import { trustOf } from './origin.ts'
import { type PartialRerun, type RerunNeeds, rerunPart } from './rerun.ts'
import { type RunTables, timesOf } from './run-tables.ts'
import { readRunHead } from './views/list-runs.ts'

export interface RepeatDeps {
  db: Db
  clock: Clock
  driver: Pick<RunDriver, 'start'>
  needs: RerunNeeds
}

export interface Repeat {
  /** That has ended. */
  runId: string
  cause: RunOrigin['cause']
  /** Of the new one: it is begun once, however often it is asked for. */
  newId: string
}

export type RepeatRun = (repeat: Repeat) => Promise<Run>

type Again = Pick<
  RunStart,
  'pipelineId' | 'pipelineName' | 'version' | 'graph' | 'reuse' | 'inputs' | 'priority' | 'rerunOf'
>

/** Each asks for a step more; what is left after that is hardly anything. */
const mostRounds = 20

/** How a run that is another one again begins; without a part all of it. Throws failed_precondition "rerun_refused". */
export async function againOf(
  { db, clock, needs }: Omit<RepeatDeps, 'driver'>,
  em: EntityManager,
  earlier: LoadedRun,
  { inputs, part }: { inputs: JsonObject; part?: PartialRerun | undefined },
): Promise<Again> {
  const { meta, graph } = earlier.state
  const { runId: rerunOf, pipelineId, pipelineName, version, priority } = meta
  const at = { now: clock.now(), times: timesOf(db) }
  const rerun = part ? await rerunPart(db.kysely<RunTables>(em), needs, earlier, part, at) : { graph }
  return { pipelineId, pipelineName, version, inputs, priority, rerunOf, ...rerun }
}

/** Throws `not_found`, and failed_precondition "rerun_refused" with why. */
export async function repeatRun(deps: RepeatDeps, { runId, cause, newId }: Repeat): Promise<Run> {
  const { db, driver } = deps
  const em = db.em()
  // What it works with may be its own by now.
  const begun = await readRunHead(db, em, newId)
  if (begun) return begun
  const earlier = await loadRun(db.kysely<RunTables>(em), timesOf(db), runId)
  if (!earlier) throw notFound('run', runId)
  const { projectId, origin } = earlier.state.meta
  const project = await findProject(em, projectId)
  if (!project) throw notFound('project', projectId)
  const again = await failedOf(deps, em, earlier)
  // Trust is not gained by it.
  const { git, fileOf } = origin
  const next = create(RunOriginSchema, { cause, ...(git && { git }), fileOf, ...trustOf(origin) })
  const { organizationId, slug: projectSlug } = project
  return driver.start({ organizationId, projectId, projectSlug, origin: next, runId: newId, ...again })
}

/** All of it where nothing failed. */
async function failedOf(deps: RepeatDeps, em: EntityManager, earlier: LoadedRun): Promise<Again> {
  const { inputs, status } = earlier.state
  if (status === RunStatus.SUCCEEDED || status === RunStatus.SKIPPED) return againOf(deps, em, earlier, { inputs })
  const stepIds: string[] = []
  for (let round = 0; round < mostRounds; round++) {
    try {
      return await againOf(deps, em, earlier, { inputs, part: { mode: 'failed', stepIds, inputs, by: undefined } })
    } catch (error) {
      const { code, include } = refusedFor(error)
      if (code === 'rerun_none_failed') break
      const further = include.filter((id) => !stepIds.includes(id))
      if (further.length === 0) throw error
      stepIds.push(...further)
    }
  }
  return againOf(deps, em, earlier, { inputs })
}

/** `include`: steps to run again with them instead. */
function refusedFor(error: unknown): { code: string; include: string[] } {
  if (!(error instanceof AppError) || error.reason !== 'rerun_refused') throw error
  const include = (error.params['include'] ?? '').split(', ').filter((id) => id !== '')
  return { code: error.violations[0]?.code ?? '', include }
}
