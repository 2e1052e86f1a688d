// ScheduleService.

import { nextTimes } from '@ansflow/proto/cron'
import { notFound } from '@ansflow/proto/errors'
import {
  type PipelineSchedule,
  PipelineScheduleSchema,
  ScheduleService,
} from '@ansflow/proto/gen/ansflow/v1/schedules_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../platform/clock.ts'
import { personOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { ScheduleEntity, type ScheduleRow } from './schedule.entity.ts'
import { definitionOf, nextAfter } from './schedules.ts'

const nextShown = 5

export function schedulesApi({ clock }: { clock: Clock }): ServiceTable {
  return serviceTable(ScheduleService, {
    async listSchedules({ pipelineId }, ctx) {
      const rows = await ctx.em.find(ScheduleEntity, { pipelineId }, { orderBy: { place: 'asc' } })
      return { schedules: rows.map((row) => toSchedule(row, clock.now())) }
    },

    pauseSchedule({ pipelineId, name, paused }, ctx) {
      const now = clock.now()
      const by = personOf(ctx)
      return ctx.change(async (em) => {
        const row = await em.findOne(ScheduleEntity, { pipelineId, name })
        if (!row) throw notFound('schedule', name)
        const before = { paused: row.pausedAt !== null }
        if (paused !== before.paused) {
          row.pausedAt = paused ? now : null
          row.pausedBy = paused ? by.name : ''
          row.nextAt = paused ? null : nextAfter(definitionOf(row), now)
          row.startingRunId = null
          await em.flush()
        }
        const resource = { kind: 'schedule', id: row.id, name }
        return { result: { schedule: toSchedule(row, now) }, resource, before, after: { paused } }
      })
    },
  })
}

function toSchedule(row: ScheduleRow, now: Date): PipelineSchedule {
  const schedule = definitionOf(row)
  const { pausedAt, nextAt, lastDueAt } = row
  const next = nextAt ? [nextAt, ...nextTimes(schedule, nextAt > now ? nextAt : now, nextShown - 1)] : []
  return create(PipelineScheduleSchema, {
    id: row.id,
    schedule,
    name: row.name,
    ownerName: row.ownerName,
    next: next.map(timestampFromDate),
    ...(pausedAt && { pause: { byName: row.pausedBy, at: timestampFromDate(pausedAt) } }),
    ...(lastDueAt && {
      last: { dueAt: timestampFromDate(lastDueAt), runId: row.lastRunId ?? '', problem: row.lastProblem },
    }),
  })
}
