// Owns the packing of what is sent of a loud log: as much as fits into one message, by zstd, beside the event loop.
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
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

const compress = promisify(zstdCompress)
/** Of build output it makes no more bytes than the usual level, in two thirds of the time. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 }
/** Four of the rows that it would make otherwise. */
const MOST_BYTES = 240_000

/** `least`: bytes that a message has room for as they are. */
export function createChunkPacker(least: number): ChunkPacker {
  let most = MOST_BYTES
  let buffer: Buffer | undefined
  return {
    get room() {
      buffer ??= Buffer.allocUnsafeSlow(most)
      return buffer.subarray(0, most)
    },
    async pack(data) {
      const packed = await compress(data, { params, pledgedSrcSize: data.length }).catch(() => undefined)
      if (packed && packed.length <= logMessage.dataBytes) return { data, packed }
      // zstd cannot shrink it: it will not shrink what follows.
      most = least
      // The room is filled again before this has left.
      return { data: Buffer.from(data.subarray(0, least)) }
    },
  }
}
