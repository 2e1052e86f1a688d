// What jobs may print at most, as their agents send it: it holds up nobody else on this controller.
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { zstdCompressSync } from 'node:zlib'
import { type LogsRequest, LogsRequestSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { logMessage } from '@ansflow/proto/limits'
import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { longestTurn } from '../../../../proto/test/longest-turn.ts'
import { systemClock } from '../../platform/clock.ts'
import { jobLog } from '../runs/index.ts'
import { LogStream } from './log-stream.ts'
import { LogBench } from './test/log-bench.ts'

const pieceBytes = 64 * 1024
const packedBytes = 256 * 1024
const pieces = 16
const jobs = 8

test.each([
  ['line ends only', Buffer.alloc(pieceBytes, '\n'), ['hunter22']],
  ['line ends only, packed', Buffer.alloc(packedBytes, '\n'), ['hunter22']],
  ['one line', Buffer.alloc(pieceBytes, 'x'), ['hunter22']],
  ['one line, packed', Buffer.alloc(packedBytes, 'x'), ['hunter22']],
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
    await using bench = await LogBench.open()
    const { db, writer, log } = bench
    const isPacked = data.length > pieceBytes
    const sum = createHash('sha256')
    for (let i = 0; i < pieces; i++) sum.update(data)
    const finalSha256 = sum.digest()

    const times = isPacked ? logMessage.packedTimes : data.length
    const lineMs = data.includes(10) ? Array.from({ length: times }, (_, i) => i) : []
    /** Made before anything is measured; each has bytes of its own, as from the network. */
    const messages = Array.from({ length: jobs }, (_, job) =>
      Array.from({ length: pieces }, (_, i) =>
        create(LogsRequestSchema, {
          job: { jobId: `job-${job}`, epoch: 1 },
          offset: BigInt(i * data.length),
          ...(isPacked ? { data: zstdCompressSync(data), unpackedSize: data.length } : { data: Buffer.from(data) }),
          lineMs,
          ...(i === pieces - 1 ? { finalSize: BigInt(pieces * data.length), finalSha256 } : {}),
        }),
      ),
    )
    for (let job = 0; job < jobs; job++) await bench.addJob(`job-${job}`, 'agent')

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
    expect(head).toMatchObject({ size: pieces * data.length, complete: true })
  },
)
