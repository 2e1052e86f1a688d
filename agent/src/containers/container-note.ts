// Owns what is noted of a job's container before there is one: whoever has the job's folder can find it, and end it.
import { existsSync, readFileSync } from 'node:fs'
import type { JobFolder } from '../job/journal.ts'
import type { Runtime } from './runtime.ts'

const FILE = 'container.json'

export interface ContainerNote {
  runtime: Runtime
  /** Of the container. */
  name: string
  image: { name: string; id: string; digest: string }
}

/** Unique over the host: ids of jobs are. */
export function containerName({ ref }: JobFolder): string {
  return `ansflow-${ref.jobId}-${ref.epoch}`
}

/** Empty: it is no job's. */
export function jobOfContainer(name: string): string {
  return /^ansflow-(.+)-\d+$/.exec(name)?.[1] ?? ''
}

export function noteContainer(folder: JobFolder, note: ContainerNote): void {
  folder.write(FILE, JSON.stringify(note))
}

/** Undefined: its image is not there yet. */
export function notedContainer(folder: JobFolder): ContainerNote | undefined {
  const path = folder.file(FILE)
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ContainerNote
  } catch {
    // A crash of the host has emptied it; what the job had is swept.
    return undefined
  }
}
