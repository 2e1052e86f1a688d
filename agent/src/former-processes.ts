// Owns what an agent knows of the processes before it: those that had this very data folder, on this host since its last start. Whoever
// holds the folder's lock now is certain that they have ended, and has their journal. Of a copy of the folder, after a restart
// of the host (what was journaled last may be gone), or where processes cannot be seen (another container) nobody is certain.
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type DataFolder, replaceFile } from './data-folder.ts'
import { placeOf } from './job/journal.ts'
import { type Log, textOf } from './log.ts'
import { bootId } from './process/process-table.ts'

/** As many as a controller remembers. */
const REMEMBERED = 8

interface Noted {
  where: string
  instanceIds: string[]
}

/** Notes this process, before it says its first hello, and answers those before it, the latest first. */
export function followFormer(folder: DataFolder, instanceId: string, log: Log): string[] {
  const file = join(folder.path, 'processes.json')
  const where = `${placeOf(folder.jobs)} ${bootId()} ${processNamespace()}`
  const noted = read(file)
  const former = bootId() !== '' && noted?.where === where ? noted.instanceIds : []
  try {
    const instanceIds = [instanceId, ...former].slice(0, REMEMBERED)
    replaceFile(file, JSON.stringify({ where, instanceIds } satisfies Noted))
  } catch (error) {
    log.warn('This process cannot be noted for the next one.', { error: textOf(error) })
  }
  return former
}

function read(file: string): Noted | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Noted
  } catch {
    return undefined
  }
}

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}
