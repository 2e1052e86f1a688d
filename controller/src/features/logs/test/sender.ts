// What sends logs in tests.
import { createHash } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { LogsRequestSchema, type LogsResponseSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { systemClock } from '../../../platform/clock.ts'
import type { Db } from '../../../platform/db.ts'
import type { Logger } from '../../../platform/log.ts'
import { LogStream, type LogStreamDeps } from '../log-stream.ts'
import type { LogWriter } from '../log-writer.ts'

type Answer = MessageInitShape<typeof LogsResponseSchema>

export interface SenderOptions {
  secrets?: string[]
  hardLimit?: number
  agentId?: string
  whole?: LogStreamDeps['whole']
}

/** An agent's side of one stream that does what the contract says. */
export class Sender {
  /** Of jobs. */
  readonly answers: Answer[] = []
  takesPacked = false
  readonly stream: LogStream
  #changed: (() => void)[] = []

  constructor({ db, writer, log }: { db: Db; writer: LogWriter; log: Logger }, options: SenderOptions = {}) {
    const { secrets = [], hardLimit, agentId = 'agent-1', whole = async () => undefined } = options
    const deps = { db, writer, clock: systemClock, log, secretsOf: async () => secrets, whole }
    this.stream = new LogStream(hardLimit === undefined ? deps : { ...deps, hardLimit }, agentId, {
      send: (answer) => {
        this.takesPacked ||= answer.takesPacked ?? false
        if (answer.job) this.answers.push(answer)
        for (const wake of this.#changed.splice(0)) wake()
      },
    })
  }

  send(jobId: string, offset: number, data: Buffer, epoch = 1): Promise<void> {
    const lines = data.filter((byte) => byte === 10).length
    return this.stream.onMessage(
      create(LogsRequestSchema, {
        job: { jobId, epoch },
        offset: BigInt(offset),
        data,
        lineMs: Array.from({ length: lines }, (_, i) => i),
        baseAt: timestampFromMs(1_900_000_000_000 + offset),
      }),
    )
  }

  /** `unpackedSize`, `packed`: in the place of what is right. */
  sendPacked(
    jobId: string,
    offset: number,
    data: Buffer,
    { unpackedSize = data.length, packed = zstdCompressSync(data) as Uint8Array } = {},
  ): Promise<void> {
    return this.stream.onMessage(
      create(LogsRequestSchema, {
        job: { jobId, epoch: 1 },
        offset: BigInt(offset),
        data: packed,
        unpackedSize,
        baseAt: timestampFromMs(1_700_000_000_000 + offset),
      }),
    )
  }

  finish(jobId: string, whole: Buffer, sha256 = createHash('sha256').update(whole).digest()): Promise<void> {
    return this.stream.onMessage(
      create(LogsRequestSchema, {
        job: { jobId, epoch: 1 },
        offset: BigInt(whole.length),
        finalSize: BigInt(whole.length),
        finalSha256: sha256,
      }),
    )
  }

  async answer(when: (answer: Answer) => boolean): Promise<Answer> {
    for (;;) {
      const found = this.answers.find(when)
      if (found) return found
      await new Promise<void>((resolve) => this.#changed.push(resolve))
    }
  }
}
