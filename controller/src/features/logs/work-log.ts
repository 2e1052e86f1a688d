// The log of work that the controller does itself: lines instead of an agent's stream, stored, masked and followed in the same way.
import { LogsRequestSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { create } from '@bufbuild/protobuf'
import pLimit from 'p-limit'
import { jobLog } from '../runs/index.ts'
import { LogStream, type LogStreamDeps } from './log-stream.ts'

export interface WorkLog {
  /** Adds a line, or several. */
  line(text: string): void
  /** Resolves when all of it is stored, or cannot be any more. */
  end(): Promise<void>
}

const pieceBytes = 32 * 1024

/** Goes on where whoever had the work before has left it. */
export async function openWorkLog(deps: LogStreamDeps, job: { jobId: string; epoch: number }): Promise<WorkLog> {
  let offset = (await jobLog(deps.db, job.jobId))?.size ?? 0
  let ended: () => void = () => undefined
  const whole = new Promise<void>((resolve) => {
    ended = resolve
  })
  const stream = new LogStream(deps, null, {
    send({ complete, stale }) {
      if (complete || stale) ended()
    },
  })
  const inOrder = pLimit(1)
  let last: Promise<void> = Promise.resolve()
  const say = (fields: { data?: Buffer; finalSize?: bigint }) => {
    const message = create(LogsRequestSchema, { job, offset: BigInt(offset), ...fields })
    offset += fields.data?.length ?? 0
    last = inOrder(() => stream.onMessage(message)).catch((error: unknown) => {
      deps.log.warn({ err: error, jobId: job.jobId }, 'a line of the controller’s own work could not be stored')
      ended()
    })
  }
  return {
    line(text) {
      const data = Buffer.from(`${text}\n`)
      for (let at = 0; at < data.length; at += pieceBytes) say({ data: data.subarray(at, at + pieceBytes) })
    },
    async end() {
      say({ finalSize: BigInt(offset) })
      await last
      await whole
      stream.onClose()
    },
  }
}
