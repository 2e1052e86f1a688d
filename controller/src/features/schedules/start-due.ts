// Starts the runs that are due. Any controller may, and several at once: a run's id is decided before it is begun, so each moment
// starts one, whoever tries it and whoever dies in between.
import type { Schedule } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create } from '@bufbuild/protobuf'
import type { Clock } from '../../platform/clock.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Logger } from '../../platform/log.ts'
import { refusalOf, type StartDeps, startPublished } from '../runs/index.ts'
import { ScheduleEntity, type ScheduleRow } from './schedule.entity.ts'
import { definitionOf, isMissed, nextAfter } from './schedules.ts'

interface Deps extends StartDeps {
  clock: Clock
  log: Logger
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
  deps: Deps,
  { id, name, pipelineId, ownerId }: ScheduleRow,
  schedule: Schedule,
  runId: string,
): Promise<string> {
  try {
    await startPublished(deps, {
      pipelineId,
      inputs: schedule.inputs ?? {},
      origin: create(RunOriginSchema, { cause: { case: 'schedule', value: { scheduleId: id, name } } }),
      runId,
      by: ownerId,
    })
    return ''
  } catch (error) {
    const { violations, message } = refusalOf(error)
    return violations.length > 0 ? violations.map((each) => `${each.field}: ${each.message}`).join(' ') : message
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
