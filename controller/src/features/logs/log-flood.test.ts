// What jobs may print at most, as their agents send it: it holds up nobody else on this controller.
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { type LogsRequest, LogsRequestSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { longestTurn } from '../../../../proto/test/longest-turn.ts'
import { memoryBus } from '../../platform/bus.ts'
import { systemClock } from '../../platform/clock.ts'
import { memoryFile, openDb } from '../../platform/db.ts'
import { createLog } from '../../platform/log.ts'
import { jobLog } from '../runs/index.ts'
import { LogChunkEntity } from './log-chunk.entity.ts'
import { LogStream } from './log-stream.ts'
import { createLogWriter } from './log-writer.ts'

const pieceBytes = 64 * 1024
const pieces = 16
const jobs = 8

test.each([
  ['line ends only', Buffer.alloc(pieceBytes, '\n'), ['hunter22']],
  ['one line', Buffer.alloc(pieceBytes, 'x'), ['hunter22']],
  [
    'what a hundred secrets nearly are',
    Buffer.alloc(pieceBytes, 'a'),
    Array.from({ length: 100 }, (_, i) => `${'a'.repeat(2000)}b${i}`),
  ],
])(
  '%s',
  // The best of three: what else runs on the machine takes the processor's caches.
  { retry: 2, timeout: 60_000 },
  async (_, data, secrets) => {
    const log = createLog('silent')
    const db = await openDb({ kind: 'sqlite', file: memoryFile }, [LogChunkEntity])
    await db.orm.schema.create()
    const connection = db.orm.em.getConnection()
    await connection.execute(
      `create table job (id text primary key, run_id text, step_id text, attempt int, agent_id text, status int default 0, finished_at int,
      epoch int, log_size int default 0, log_complete int default 0, secrets varchar(1000) default '["A"]')`,
    )
    const bus = memoryBus(log)
    const writer = createLogWriter({ db, bus, clock: systemClock, log })
    const sum = createHash('sha256')
    for (let i = 0; i < pieces; i++) sum.update(data)
    const finalSha256 = sum.digest()

    const lineMs = data.includes(10) ? Array.from({ length: pieceBytes }, (_, i) => i) : []
    /** Made before anything is measured; each has bytes of its own, as from the network. */
    const messages = Array.from({ length: jobs }, (_, job) =>
      Array.from({ length: pieces }, (_, i) =>
        create(LogsRequestSchema, {
          job: { jobId: `job-${job}`, epoch: 1 },
          offset: BigInt(i * pieceBytes),
          data: Buffer.from(data),
          lineMs,
          ...(i === pieces - 1 ? { finalSize: BigInt(pieces * pieceBytes), finalSha256 } : {}),
        }),
      ),
    )
    for (let job = 0; job < jobs; job++) {
      const row = [`job-${job}`, 'run', `step-${job}`, 1, 'agent', 1]
      await connection.execute(
        'insert into job (id, run_id, step_id, attempt, agent_id, epoch) values (?, ?, ?, ?, ?, ?)',
        row,
      )
    }

    function send(sent: LogsRequest[]): Promise<void> {
      return new Promise<void>((complete, fail) => {
        const deps = {
          db,
          writer,
          clock: systemClock,
          log,
          secretsOf: async () => secrets,
          whole: async () => undefined,
        }
        const stream = new LogStream(deps, 'agent', { send: (answer) => answer.complete && complete() })
        void (async () => {
          for (const message of sent) {
            await stream.onMessage(message)
            await setImmediate()
          }
        })().catch(fail)
      })
    }

    expect(await longestTurn(Promise.all(messages.map(send)))).toBeLessThan(50)
    const head = await jobLog(db, 'job-0')
    expect(head).toMatchObject({ size: pieces * pieceBytes, complete: true })
    await writer.stop()
    await bus.close()
    await db.close()
  },
)
