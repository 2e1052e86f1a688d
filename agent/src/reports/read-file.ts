// Owns reading a report's text from a file that a step has made: that very file, no more of it than is allowed, as it comes.
import { constants, fstatSync, readlinkSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { TextDecoder } from 'node:util'

const CHUNK = 64 * 1024

/** What is wrong with a report: an English sentence without its full stop, and the line where that is known. */
export class BadReport extends Error {
  readonly line: number

  constructor(message: string, line = 0) {
    super(message)
    this.line = line
  }
}

/** Pieces of the text, in its own encoding. Throws a BadReport. */
export async function* textOfFile(workspace: string, file: string, mostBytes: number): AsyncGenerator<string> {
  const path = join(workspace, file)
  const handle = await opened(path)
  try {
    const stat = fstatSync(handle.fd)
    if (!stat.isFile() || !isAt(handle.fd, path)) throw new BadReport('it is no regular file of the workspace')
    if (stat.size > mostBytes) throw new BadReport(`it has ${stat.size} bytes, and there is room for ${mostBytes}`)
    const buffer = Buffer.allocUnsafe(CHUNK)
    let decoder: TextDecoder | undefined
    for (let at = 0; at < stat.size; ) {
      const { bytesRead } = await handle.read(buffer, 0, CHUNK, at)
      if (bytesRead === 0) break
      at += bytesRead
      decoder ??= decoderFor(buffer.subarray(0, Math.min(bytesRead, 200)))
      yield decoder.decode(buffer.subarray(0, bytesRead), { stream: true })
    }
    yield decoder?.decode() ?? ''
  } finally {
    await handle.close()
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new BadReport(code === 'ELOOP' ? 'it is a link' : `it cannot be opened (${code})`)
  }
}

/** A folder on its way may have become a link meanwhile. */
function isAt(fd: number, path: string): boolean {
  return process.platform !== 'linux' || readlinkSync(`/proc/self/fd/${fd}`) === path
}

function decoderFor(begin: Buffer): TextDecoder {
  if (begin[0] === 0xff && begin[1] === 0xfe) return new TextDecoder('utf-16le')
  if (begin[0] === 0xfe && begin[1] === 0xff) return new TextDecoder('utf-16be')
  const said = /^\s*<\?xml[^>]*?encoding=["']([A-Za-z0-9._-]{1,40})["']/.exec(begin.toString('latin1'))?.[1]
  try {
    return new TextDecoder(said ?? 'utf-8')
  } catch {
    throw new BadReport(`its encoding ${said} is not known`)
  }
}
