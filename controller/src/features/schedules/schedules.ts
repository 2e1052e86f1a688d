// What pipelines have of schedules: kept in step with their latest versions, in the transactions that make these.

import { nextTimes } from '@ansflow/proto/cron'
import { scheduleName } from '@ansflow/proto/fields/schedules'
import { CatchUp, type Schedule, ScheduleSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { fromJsonString, toJsonString } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { PipelineParticipant } from '../pipelines/index.ts'
import { ScheduleEntity, type ScheduleRow } from './schedule.entity.ts'

export const scheduleKeeper: PipelineParticipant = {
  name: 'schedules',

  async published(em, { pipeline, triggers, by, now }) {
    const rows = await em.find(ScheduleEntity, { pipelineId: pipeline.id })
    const wanted = triggers?.schedules ?? []
    const names = new Set(wanted.map(scheduleName))
    for (const row of rows) if (!names.has(row.name)) em.remove(row)
    for (const [place, schedule] of wanted.entries()) {
      const name = scheduleName(schedule)
      const definition = toJsonString(ScheduleSchema, schedule)
      const row = rows.find((each) => each.name === name)
      if (row?.definition === definition) {
        row.place = place
        continue
      }
      const brought = { place, definition, ownerId: by.userId, ownerName: by.name }
      const nextAt = row?.pausedAt ? null : nextAfter(schedule, now)
      if (row) Object.assign(row, brought, { nextAt, startingRunId: null })
      else {
        em.create(ScheduleEntity, {
          ...{ id: uuidv7(), projectId: pipeline.projectId, pipelineId: pipeline.id, name, ...brought, nextAt },
          ...{ startingRunId: null, pausedAt: null, pausedBy: '', lastDueAt: null, lastRunId: null, lastProblem: '' },
        })
      }
    }
    await em.flush()
  },

  async deleted(em, pipelineId) {
    await em.nativeDelete(ScheduleEntity, { pipelineId })
  },
}

export async function deleteSchedulesOf(em: EntityManager, projectId: string): Promise<void> {
  await em.nativeDelete(ScheduleEntity, { projectId })
}

export function definitionOf({ definition }: Pick<ScheduleRow, 'definition'>): Schedule {
  return fromJsonString(ScheduleSchema, definition, { ignoreUnknownFields: true })
}

export function nextAfter(schedule: Schedule, now: Date): Date | null {
  return nextTimes(schedule, now, 1)[0] ?? null
}

/** Whether a moment that is over for so long is left out. */
export function isMissed({ catchUp }: Schedule, due: Date, now: Date): boolean {
  return catchUp === CatchUp.NONE && now.getTime() - due.getTime() > missedMs
}

/** A controller that is a little late was there. */
const missedMs = 60_000
