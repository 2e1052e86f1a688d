// Owns the packing of what is sent of a loud log: as much as fits into one message, by zstd, beside the event loop.
import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib'
import { logMessage } from '@ansflow/proto/limits'

/** What is sent with one message. */
export interface Chunk {
  data: Buffer
  /** The same as one frame of zstd. */
  packed?: Buffer
}

export interface ChunkPacker {
  /** To be filled from its start with what is to be packed next. */
  readonly room: Buffer
  /** `data`: in the room. Resolves with all of it, or with as much as is sent as it is. */
  pack(data: Buffer): Promise<Chunk>
}

/** Of build output it makes no more bytes than the usual level, in two thirds of the time. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 }
/** Four of the rows that it would make otherwise. */
const MOST_BYTES = 240_000

/** `least`: bytes that a message has room for as they are. */
export function createChunkPacker(least: number): ChunkPacker {
  let most = MOST_BYTES
  let buffer: Buffer | undefined
  /** Kept: making one anew costs as much as packing a chunk. */
  let context: ZstdCompress | undefined
  let parts: Buffer[] = []

  function open(): ZstdCompress {
    // Each write is a frame of its own.
    const opened = createZstdCompress({ flush: constants.ZSTD_e_end, chunkSize: logMessage.dataBytes, params })
    opened.on('data', (part: Buffer) => parts.push(part))
    opened.on('error', () => {
      context = undefined
      parts = []
    })
    return opened
  }

  /** One after the other, also when nobody waits for the one before any more. */
  function compress(data: Buffer): Promise<Buffer | undefined> {
    context ??= open()
    const used = context
    return new Promise((resolve) => {
      used.write(data, (error) => resolve(error ? undefined : Buffer.concat(parts.splice(0))))
    })
  }

  return {
    get room() {
      buffer ??= Buffer.allocUnsafeSlow(most)
      return buffer.subarray(0, most)
    },
    async pack(data) {
      const packed = await compress(data)
      if (packed && packed.length <= logMessage.dataBytes) return { data, packed }
      // zstd cannot shrink it: it will not shrink what follows.
      most = least
      // The room is filled again before this has left.
      return { data: Buffer.from(data.subarray(0, least)) }
    },
  }
}
