// A stored piece of a job's log: zstd bytes with the line index beside them, so that lines are found without reading the log.
import { defineEntity, p } from '@mikro-orm/core'

export const LogChunkEntity = defineEntity({
  name: 'LogChunk',
  tableName: 'log_chunk',
  properties: {
    jobId: p.string().length(36).primary(),
    /** Of the first byte in the job's log. */
    byteOffset: p.bigint('number').primary(),
    /** Bytes before compression. */
    size: p.integer(),
    data: p.blob(),
    /** Line ends before this chunk: the number, from 0, of the line its first byte belongs to. */
    firstLine: p.integer(),
    /** Line ends inside it. */
    lineCount: p.integer(),
    /** Its last byte is a line end. */
    endsLine: p.boolean(),
    /** When its first line ended, in milliseconds since 1970; the others follow in lineMs as differences. */
    baseMs: p.bigint('number'),
    lineMs: p.blob(),
    /** The controller masked bytes that the agent had let through, so they are no longer those its checksum covers. */
    refilled: p.boolean(),
  },
  indexes: [{ name: 'log_chunk_line', properties: ['jobId', 'firstLine', 'byteOffset'] }],
})
