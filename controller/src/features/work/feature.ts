// What the controller does itself for steps that no agent runs.
import { feature } from '../../feature.ts'
import { type LogStreamDeps, logsFeature, openWorkLog } from '../logs/index.ts'
import { runsFeature } from '../runs/index.ts'
import { secretsFeature } from '../secrets/index.ts'
import { performers } from './performers/index.ts'
import { createWorkDesk } from './work-desk.ts'

export const workFeature = feature({
  name: 'work',
  entities: [],
  open({ db, bus, clock, log, outbound }, from) {
    const { driver } = from(runsFeature)
    const { writer } = from(logsFeature)
    const whole: LogStreamDeps['whole'] = ({ runId, jobId, size }) =>
      driver.submit(runId, { type: 'jobLogged', jobId, size })
    const desk = createWorkDesk({
      db,
      clock,
      log,
      driver,
      secrets: from(secretsFeature),
      outbound,
      performers,
      openLog: (job, secrets) => openWorkLog({ db, writer, clock, log, secretsOf: async () => secrets, whole }, job),
    })
    const endEnded = bus.subscribe('work.ended', ({ jobId }) => desk.drop(jobId))
    return {
      loops: [{ name: 'work', everyMs: 2000, wakeOn: ['work.queued'], run: desk.take }],
      async stop() {
        endEnded()
        await desk.stop()
      },
    }
  },
})
