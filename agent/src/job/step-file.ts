// Owns the reading of a file that a step was given to write to, whatever the step has made of it.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** The file cannot be meant as it is; the message is an English sentence. */
export class Unreadable extends Error {}

/**
 * Follows no link, waits for no other end of a pipe. One that has more than `most` bytes is unreadable, or with `cut` its first ones are
 * read.
 */
export function readStepFile(path: string, what: string, most: number, cut?: 'cut'): Buffer {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return Buffer.alloc(0)
    throw new Unreadable(`The ${what} ${code === 'ELOOP' ? 'is a link' : `cannot be read (${code})`}.`)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new Unreadable(`The ${what} is ${stat.isDirectory() ? 'a folder' : 'no regular file'}.`)
    if (stat.size > most && !cut) throw new Unreadable(`The ${what} has ${stat.size} bytes; it may have ${most}.`)
    return readAll(fd, Math.min(stat.size, most))
  } catch (error) {
    if (error instanceof Unreadable) throw error
    throw new Unreadable(`The ${what} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  } finally {
    closeSync(fd)
  }
}

function readAll(fd: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let at = 0
  while (at < size) {
    const count = readSync(fd, bytes, at, size - at, at)
    if (count === 0) break
    at += count
  }
  return bytes.subarray(0, at)
}
