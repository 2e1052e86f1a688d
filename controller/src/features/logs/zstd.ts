// Rows as frames of zstd. They are compressed beside the event loop with contexts that are kept: making one anew costs more than the
// row it is for.
import { constants, createZstdCompress, type ZstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** Under this many bytes compressing takes less than handing the work to another thread. */
const compressHere = 8 * 1024
/** At the same time. A context has half a megabyte. */
const mostAtOnce = 2
/** Of build output it makes no more bytes than the usual level, in two thirds of the time. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 }

/** A larger window is memory that a stranger's frame could ask for. */
const mostWindowLog = 18

interface Work {
  data: Uint8Array
  resolve(packed: Buffer): void
  reject(error: Error): void
}

const waiting: Work[] = []
const idle: ZstdCompress[] = []
let busy = 0

/** One frame of zstd. `data` must stay as it is until then. */
export function compress(data: Uint8Array): Promise<Buffer> | Buffer {
  if (data.length <= compressHere) return zstdCompressSync(data, { params })
  return new Promise((resolve, reject) => {
    waiting.push({ data, resolve, reject })
    next()
  })
}

function next(): void {
  const work = busy < mostAtOnce ? waiting.shift() : undefined
  if (!work) return
  busy++
  // Each write is a frame of its own.
  const context = idle.pop() ?? createZstdCompress({ flush: constants.ZSTD_e_end, chunkSize: 64 * 1024, params })
  const parts: Buffer[] = []
  const end = () => {
    context.off('data', take).off('error', fail)
    busy--
    next()
  }
  const take = (part: Buffer) => void parts.push(part)
  const fail = (error: Error) => {
    end()
    work.reject(error)
  }
  context.on('data', take).on('error', fail)
  context.write(work.data, (error) => {
    if (error) return
    idle.push(context)
    end()
    work.resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
  })
}

/** A frame of our own. Its size bounds what a damaged one may unpack to. */
export function decompress(frame: Uint8Array, size: number): Buffer {
  return zstdDecompressSync(frame, bounded(size))
}

/** A frame of an agent's; undefined: it does not stand for `size` bytes. */
export function decompressForeign(frame: Uint8Array, size: number): Buffer | undefined {
  try {
    const data = zstdDecompressSync(frame, {
      ...bounded(size),
      params: { [constants.ZSTD_d_windowLogMax]: mostWindowLog },
    })
    return data.length === size ? data : undefined
  } catch {
    return undefined
  }
}

/** In one piece, where there is room for all of it. */
function bounded(size: number) {
  return { maxOutputLength: Math.max(1, size), chunkSize: Math.max(64, size) }
}
