// Owns how far a job's log has come, as it stands on the disk: one record of a fixed size, overwritten in place after each batch,
// so that it is whole or not there even when the process is killed.
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'

const BYTES = 40
const FLAGS = ['lineStart', 'headDone', 'final', 'noSecrets', 'withheld'] as const

export interface SpoolState {
  /** Raw bytes consumed. */
  raw: number
  /** Bytes of the masked log. */
  size: number
  acknowledged: number
  /** The raw bytes consumed end with a line. */
  lineStart: boolean
  /** More than the limit came: the head is kept, the middle goes. */
  headDone: boolean
  final: boolean
  /** There is nothing to mask but what add-mask lines add: after a restart no one has to be asked. */
  noSecrets: boolean
  /** There were too many masks: nothing more of the output is told. */
  withheld: boolean
}

export interface StateFile {
  read(): SpoolState | undefined
  write(state: SpoolState): void
  close(): void
}

/** Of a log of which nothing has come: what comes begins a line. */
export const freshState: SpoolState = {
  raw: 0,
  size: 0,
  acknowledged: 0,
  lineStart: true,
  headDone: false,
  final: false,
  noSecrets: false,
  withheld: false,
}

export function resetState(path: string): void {
  const fd = openSync(path, constants.O_WRONLY)
  try {
    writeSync(fd, recordOf(freshState), 0, BYTES, 0)
  } finally {
    closeSync(fd)
  }
}

/** Made when missing. */
export function openStateFile(path: string): StateFile {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  return {
    read() {
      const record = Buffer.alloc(BYTES)
      if (readSync(fd, record, 0, BYTES, 0) < BYTES) return undefined
      const [raw, size, acknowledged, flags] = [0, 8, 16, 24].map((at) => record.readDoubleLE(at)) as [
        number,
        number,
        number,
        number,
      ]
      const set = Object.fromEntries(FLAGS.map((name, i) => [name, (flags & (1 << i)) !== 0]))
      return { raw, size, acknowledged, ...(set as Record<(typeof FLAGS)[number], boolean>) }
    },
    write: (state) => void writeSync(fd, recordOf(state), 0, BYTES, 0),
    close: () => closeSync(fd),
  }
}

function recordOf(state: SpoolState): Buffer {
  const record = Buffer.alloc(BYTES)
  const flags = FLAGS.reduce((sum, name, i) => sum + (state[name] ? 1 << i : 0), 0)
  for (const [i, value] of [state.raw, state.size, state.acknowledged, flags].entries()) {
    record.writeDoubleLE(value, i * 8)
  }
  return record
}
