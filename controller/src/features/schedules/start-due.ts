// Starts the runs that are due. Any controller may, and several at once: a run's id is decided before it is begun, so each moment
// starts one, whoever tries it and whoever dies in between.
import { AppError } from '@ansflow/proto/errors'
import type { Schedule } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { resolveInputs } from '@ansflow/proto/inputs'
import { create } from '@bufbuild/protobuf'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Logger } from '../../platform/log.ts'
import type { Workers } from '../../platform/workers.ts'
import { runnableGraph } from '../pipelines/index.ts'
import { findProject } from '../projects/index.ts'
import type { RunDriver } from '../runs/index.ts'
import { ScheduleEntity, type ScheduleRow } from './schedule.entity.ts'
import { definitionOf, isMissed, nextAfter } from './schedules.ts'

interface Deps {
  db: Db
  clock: Clock
  log: Logger
  workers: Workers
  driver: Pick<RunDriver, 'start'>
}

/** Read at once. */
const pageSize = 50

export async function startDue(deps: Deps): Promise<void> {
  const { db, clock, log } = deps
  const now = clock.now()
  let last = ''
  for (;;) {
    const where = { nextAt: { $lte: now }, id: { $gt: last } }
    const due = await db.em().find(ScheduleEntity, where, { orderBy: { id: 'asc' }, limit: pageSize })
    for (const row of due) {
      // One that cannot be started now keeps no other from starting, and is tried at the next look.
      await startOne(deps, row).catch((error: unknown) =>
        log.warn({ err: error, scheduleId: row.id }, 'a schedule could not start its run yet'),
      )
    }
    const end = due.at(-1)
    if (!end || due.length < pageSize) return
    last = end.id
  }
}

type Due = ScheduleRow & { nextAt: Date }

async function startOne(deps: Deps, row: ScheduleRow): Promise<void> {
  const { db, clock } = deps
  const { nextAt } = row
  if (!nextAt) return
  const schedule = definitionOf(row)
  if (isMissed(schedule, nextAt, clock.now())) {
    await goOn(deps, row as Due, schedule, null, '')
    return
  }
  const runId = row.startingRunId ?? uuidv7()
  if (!row.startingRunId) {
    const claimed = await db
      .em()
      .nativeUpdate(ScheduleEntity, { id: row.id, nextAt, startingRunId: null }, { startingRunId: runId })
    // Another controller has it; should it go down, the next look finds the id that it has given.
    if (claimed !== 1) return
  }
  const problem = await startRun(deps, row, schedule, runId)
  await goOn(deps, { ...row, nextAt, startingRunId: runId }, schedule, problem === '' ? runId : null, problem)
}

/** Why not, or "". */
async function startRun(
  { db, workers, driver }: Deps,
  { id, name, pipelineId, ownerId }: ScheduleRow,
  schedule: Schedule,
  runId: string,
): Promise<string> {
  try {
    const em = db.em()
    const { pipeline, graph, version } = await runnableGraph({ em, workers, by: ownerId }, pipelineId, 0)
    const project = await findProject(em, pipeline.projectId)
    if (!project) return 'There is no such project any more.'
    const { values, violations } = resolveInputs(graph.inputs, schedule.inputs ?? {})
    if (violations.length > 0) return violations.map(({ field, message }) => `${field}: ${message}`).join(' ')
    await driver.start({
      organizationId: project.organizationId,
      projectId: project.id,
      projectSlug: project.slug,
      pipelineId,
      pipelineName: pipeline.name,
      version,
      graph,
      inputs: values,
      origin: create(RunOriginSchema, { cause: { case: 'schedule', value: { scheduleId: id, name } } }),
      runId,
    })
    return ''
  } catch (error) {
    // What the store cannot take now is tried again; what is refused would be refused again.
    if (error instanceof AppError && !['unavailable', 'aborted', 'internal'].includes(error.code)) return error.message
    throw error
  }
}

/** To the next moment: those that have passed by then were made up for by this one. */
async function goOn(
  { db, clock }: Deps,
  { id, nextAt, startingRunId }: Due,
  schedule: Schedule,
  lastRunId: string | null,
  lastProblem: string,
): Promise<void> {
  await db.em().nativeUpdate(
    ScheduleEntity,
    { id, nextAt, startingRunId },
    {
      nextAt: nextAfter(schedule, clock.now()),
      startingRunId: null,
      lastDueAt: nextAt,
      lastRunId,
      lastProblem: lastProblem.slice(0, 512),
    },
  )
}
