// Owns the file of a job: what is noted while it runs, each in a place of its own, and then what was accepted. One file, because
// making one takes longer than all that is written into it.
import { closeSync, openSync, writeSync } from 'node:fs'

/** Lines of fixed length, before the accepted job: process (its id, its start, its session), exit code, reader, control group. */
const LENGTHS = [32, 16, 16, 1024] as const
const CGROUP_AT = 64
export const NOTES_BYTES = CGROUP_AT
const BLANK = LENGTHS.map((length) => `${' '.repeat(length - 1)}\n`).join('')

export interface JobNotes {
  /** The wrapper's process, and when that started. */
  pid?: number
  startTime: string
  /** The step's session. */
  session?: number
  exitCode?: number
  /** Output could not be written to the disk. */
  isUnkept: boolean
  /** The process that writes the step's output to the disk. */
  reader?: number
}

export function jobFile(accepted: string, cgroup = ''): string {
  const isShort = Buffer.byteLength(cgroup) < LENGTHS[3] && cgroup !== ''
  const notes = isShort ? `${BLANK.slice(0, CGROUP_AT)}${cgroup.padEnd(LENGTHS[3] - 1)}\n` : BLANK
  return `${notes}${accepted}\n`
}

/** What was accepted, as it was given. */
export function acceptedIn(file: string): string {
  return file.split('\n', LENGTHS.length + 1)[LENGTHS.length] ?? ''
}

/** `bytes`: the first `NOTES_BYTES` of the file. */
export function notesIn(bytes: Buffer): JobNotes {
  const [process = '', exit = '', reader = ''] = bytes.toString('latin1').split('\n')
  const [pid = '', startTime = '', session = pid] = process.trim().split(' ')
  const [code = '', unkept] = exit.trim().split(' ')
  return {
    startTime,
    ...(pid === '' ? {} : { pid: Number(pid), session: Number(session) }),
    ...(code === '' ? {} : { exitCode: Number(code) }),
    isUnkept: unkept !== undefined,
    ...(reader.startsWith(':') ? { reader: Number(reader.slice(1)) } : {}),
  }
}

export function cgroupIn(file: string): string | undefined {
  return file.split('\n', LENGTHS.length)[3]?.trim() || undefined
}

/** One whose name is too long is not noted: an agent that comes after this one ends the job without it. */
export function noteCgroup(path: string, cgroup: string): void {
  const bytes = Buffer.alloc(LENGTHS[3] - 1, ' ')
  if (Buffer.byteLength(cgroup) > bytes.length) return
  bytes.write(cgroup)
  const fd = openSync(path, 'r+')
  try {
    writeSync(fd, bytes, 0, bytes.length, CGROUP_AT)
  } finally {
    closeSync(fd)
  }
}
