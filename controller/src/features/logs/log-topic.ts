// One attempt's log on /live: bytes instead of numbers.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { Db } from '../../platform/db.ts'
import type { LiveFeed, LiveTopic } from '../../transport/live/live-topic.ts'
import { findAttempt } from './find-attempt.ts'
import type { LogWatch } from './log-watch.ts'

export function logTopic({ db, watch }: { db: Db; watch: LogWatch }): LiveTopic {
  return {
    pattern: 'log/:runId/:stepId/:attempt',
    access: { permission: 'run.read', resource: Resource.RUN, param: 'runId' },
    async open({ runId = '', stepId = '', attempt = '' }, { offset }): Promise<LiveFeed> {
      const { jobId } = await findAttempt(db, { runId, stepId, attempt: Number.parseInt(attempt, 10) || 0 })
      return {
        stream: jobId,
        seq: () => 0,
        restarts: true,
        async *frames(signal) {
          for await (const tail of watch.follow(jobId, offset, signal)) yield { type: 'chunk', ...tail }
        },
      }
    },
  }
}
