// Runs that start at moments of the calendar.
import { feature } from '../../feature.ts'
import { runsFeature } from '../runs/index.ts'
import { ScheduleEntity } from './schedule.entity.ts'
import { schedulesApi } from './schedules.api.ts'
import { deleteSchedulesOf, scheduleKeeper } from './schedules.ts'
import { startDue } from './start-due.ts'

export const schedulesFeature = feature({
  name: 'schedules',
  entities: [ScheduleEntity],
  open({ db, clock, log, workers }, from) {
    const { driver } = from(runsFeature)
    return {
      services: [schedulesApi({ clock })],
      pipelineParticipants: [scheduleKeeper],
      deletions: [deleteSchedulesOf],
      loops: [{ name: 'schedules', everyMs: 1000, run: () => startDue({ db, clock, log, workers, driver }) }],
    }
  },
})
