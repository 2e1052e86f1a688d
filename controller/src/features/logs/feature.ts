// Logs of jobs: stored, read, searched and followed.
import { feature, port } from '../../feature.ts'
import { runsFeature } from '../runs/index.ts'
import { deleteLogsOf } from './delete-logs.ts'
import { LogChunkEntity } from './log-chunk.entity.ts'
import type { LostAmong } from './log-end.ts'
import { logTopic } from './log-topic.ts'
import { createLogWatch } from './log-watch.ts'
import { createLogWriter } from './log-writer.ts'
import { logsApi } from './logs.api.ts'
import { logDownload } from './logs.routes.ts'
import { createRecentBytes } from './recent-bytes.ts'

export const logsFeature = feature({
  name: 'logs',
  entities: [LogChunkEntity],
  open({ db, bus, clock, log, workers }, from) {
    const lost = port<LostAmong>('lost agents')
    const lostAmong: LostAmong = (agentIds) => lost()(agentIds)
    const recent = createRecentBytes(bus)
    const writer = createLogWriter({ db, bus, recent, clock, log })
    const watch = createLogWatch({ db, bus, clock, log, recent, lostAmong })
    const runWatch = from(runsFeature).watch
    return {
      services: [logsApi({ db, watch, runWatch, workers, lostAmong })],
      routes: [logDownload({ db, watch, lostAmong })],
      topics: [logTopic({ db, watch })],
      deletions: [deleteLogsOf],
      async stop() {
        watch.stop()
        await writer.stop()
      },
      gives: { writer, lostAmong: lost },
    }
  },
})
