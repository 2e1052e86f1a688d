// Owns the journal: one folder a job, from which a restarted agent knows what it had promised, what runs and how it ended.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  type Finished,
  FinishedSchema,
  type JobRef,
  JobRefSchema,
  type JobSpec,
  JobSpecSchema,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { create, fromJson, fromJsonString, toJson, toJsonString } from '@bufbuild/protobuf'
import { type DataFolder, overwrite, replaceFile } from '../data-folder.ts'
import type { SpoolFiles } from '../log/log-spool.ts'
import { textOf } from '../log.ts'
import { bootId } from '../process/process-table.ts'
import { giveAll, type StepUser } from '../process/step-user.ts'
import type { Phase } from '../steps/step-kind.ts'
import { acceptedIn, cgroupIn, jobFile, NOTES_BYTES, noteCgroup, notesIn } from './job-notes.ts'
import { adoptBefore, BEGUN } from './journal-before.ts'
import type { Lane } from './lanes.ts'
import type { Ending } from './outcome.ts'
import { isGone, removeFiles, removeTree } from './remove-tree.ts'
import { makeTempFolder } from './temp-folder.ts'

/** Ids become folder names and words on the helper's input. */
export function isJobId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(id)
}

interface Accepted {
  ref: JobRef
  spec: JobSpec
  /** Where it was accepted: a copy of the folder has no jobs. */
  place: string
  /** The host was not restarted since when this is still its value. */
  bootId: string
  /** The step's TMPDIR: noted before it is made, so that it is found again and removed. */
  temp: string
  /** The file that whoever begins the job makes. Absent: `raw`, of an agent from before folders were there before their jobs. */
  claim?: string
}
/** The folders of all jobs. */
type Places = Pick<DataFolder, 'jobs' | 'steps'>
/** Of the file that claims the job, when the agent has made it so that the job never runs. */
const AGENT_CLAIM_MODE = 0o400
const OWNER_WRITES = 0o200

const machineId = readText('/etc/machine-id')?.trim() ?? ''

/** The same for this folder on this host, whatever restarts; another for a copy of it, here or elsewhere. */
export function placeOf(path: string): string {
  return `${machineId}:${statSync(path).ino}`
}

/** Why the agent ends the job; written before it does, so that a restarted agent goes on with it. */
export interface Intent {
  kind: 'canceled' | 'timedOut' | 'fenced'
  graceMs: number
  /** Canceled by nobody: the agent itself was told to stop. */
  agentStops?: true
}

/** How far a job has come; written before a phase begins. */
export interface Progress {
  phase: Phase
  /** When the first began, in milliseconds, and in seconds of the host's uptime, which no clock moves. */
  at: number
  uptime: number
  /** From clean up on: how it has ended. */
  ending?: Ending
}

export class JobFolder {
  readonly path: string
  /** Where the files are that the step itself uses. */
  readonly #stepPath: string
  readonly ref: JobRef
  readonly spec: JobSpec
  readonly sameBoot: boolean
  /** The step's TMPDIR. */
  readonly temp: string
  /** Where it was made; none when an agent before this one has accepted it. */
  readonly lane: Lane | undefined
  readonly #claim: string

  private constructor(path: string, stepPath: string, accepted: Accepted, lane?: Lane) {
    this.path = path
    this.#stepPath = stepPath
    this.ref = accepted.ref
    this.spec = accepted.spec
    this.sameBoot = accepted.bootId === bootId()
    this.temp = accepted.temp
    this.#claim = accepted.claim ?? 'raw'
    this.lane = lane
  }

  /**
   * Written when this returns: only then may the job be accepted. Not synced: after a crash of the host every job is lost,
   * whether its folder is still there (the boot id tells) or not (the hello does not name it).
   */
  static create({ jobs, steps }: Places, ref: JobRef, spec: JobSpec, lane: Lane): JobFolder {
    const path = join(jobs, ref.jobId)
    const stepPath = join(steps, ref.jobId)
    const notes = { place: placeOf(jobs), bootId: bootId(), temp: lane.temp ?? join(stepPath, 'tmp'), claim: BEGUN }
    const accepted = { ref: toJson(JobRefSchema, ref), spec: toJson(JobSpecSchema, spec), ...notes }
    const { cgroup } = lane.helper
    overwrite(join(lane.path, 'job'), jobFile(JSON.stringify(accepted), cgroup))
    // From here on it is a job, with all that was noted of it.
    renameSync(lane.path, path)
    lane.path = path
    const folder = new JobFolder(path, stepPath, { ref, spec, ...notes }, lane)
    folder.#cgroup = cgroup
    return folder
  }

  /** Every job that was accepted here. */
  static readAll({ jobs, steps }: Places): JobFolder[] {
    return readdirSync(jobs).flatMap((name) => {
      if (!isJobId(name)) return []
      adoptBefore(join(jobs, name))
      const accepted = acceptedHere(join(jobs, name))
      return accepted ? [new JobFolder(join(jobs, name), join(steps, name), accepted)] : []
    })
  }

  /**
   * Removes what is no job: offers that never came so far, what was copied with the folder, and what could not be removed before.
   * Answers what still cannot be.
   */
  static async removeLeftovers({ jobs, steps }: Places): Promise<{ path: string; error: string }[]> {
    const problems: { path: string; error: string }[] = []
    const paths: string[] = []
    for (const folder of new Set([steps, jobs])) {
      for (const name of readdirSync(folder)) {
        const path = join(folder, name)
        try {
          if (!isJobId(name)) paths.push(path)
          else if (!acceptedHere(join(jobs, name))) paths.push(setAside(path))
        } catch (error) {
          problems.push({ path, error: textOf(error) })
        }
      }
    }
    for (const path of paths) await removeAll(path).catch((error) => problems.push({ path, error: textOf(error) }))
    return problems
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts)
  }

  /** Of the step's own, which it may read and write. */
  stepFile(...parts: string[]): string {
    return join(this.#stepPath, ...parts)
  }

  /** Hands the step's files over, before it starts. */
  giveTo(user: StepUser): void {
    giveAll(this.#stepPath, user)
  }

  /**
   * Everything the wrapper needs except `start`, which comes last. It may have been prepared before: by an agent that was
   * killed right after it had asked for the start. So nothing that a wrapper may be using already is emptied or taken away.
   */
  prepare(): void {
    if (this.lane && this.#stepPath === this.path && this.temp === this.lane.temp) return
    mkdirSync(this.#stepPath, { recursive: true, mode: 0o700 })
    makeTempFolder(this.temp)
  }

  /** A file of the job, whole at once; whoever reads an older one of that name goes on reading that. */
  write(name: string, content: string | Uint8Array): void {
    this.#put(this.file(name), content, 0o600)
  }

  writeForStep(name: string, content: string | Uint8Array, mode = 0o600): string {
    const path = this.stepFile(name)
    this.#put(path, content, mode)
    return path
  }

  /** An agent before this one may have asked for its start: a wrapper may be reading what is written anew. */
  #put(path: string, content: string | Uint8Array, mode: number): void {
    if (this.lane) overwrite(path, content, mode)
    else replaceFile(path, content, { mode })
  }

  get intent(): Intent | undefined {
    return readParsed(this.file('intent.json'), (text) => JSON.parse(text) as Intent)
  }
  set intent(intent: Intent) {
    replaceFile(this.file('intent.json'), JSON.stringify(intent))
  }

  /** Of kinds that have more than a main. */
  get progress(): Progress | undefined {
    return readParsed(this.file('progress.json'), (text) => JSON.parse(text) as Progress)
  }
  set progress(progress: Progress) {
    replaceFile(this.file('progress.json'), JSON.stringify(progress))
  }

  /**
   * Not synced: after a crash of the host the controller has it or hears "lost", and never both. When only the agent was
   * killed before it was written, the same result follows again from exit code, intent and log.
   */
  get result(): Finished | undefined {
    return readParsed(this.file('result.json'), (text) => fromJsonString(FinishedSchema, text))
  }
  set result(finished: Finished) {
    replaceFile(this.file('result.json'), toJsonString(FinishedSchema, finished))
  }

  /** Whoever makes this file may run the job: its main, or the agent to make sure that it never runs. False when it is made. */
  claim(): boolean {
    try {
      writeFileSync(this.file(this.#claim), '', { mode: AGENT_CLAIM_MODE, flag: 'wx' })
      return true
    } catch {
      return false
    }
  }
  /** The same for a main that is no process of the wrapper's. */
  begin(): boolean {
    try {
      writeFileSync(this.file(this.#claim), '', { mode: 0o600, flag: 'wx' })
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    }
  }
  get claimedBy(): 'nobody' | 'agent' | 'main' {
    const claim = statSync(this.file(this.#claim), { throwIfNoEntry: false })
    if (!claim) return 'nobody'
    return (claim.mode & OWNER_WRITES) === 0 ? 'agent' : 'main'
  }

  /** When its main began, in seconds of the host's uptime; undefined where it has not noted that. */
  get begunAt(): number | undefined {
    return this.#claim === BEGUN ? Number(readText(this.file(BEGUN))) || undefined : undefined
  }

  /** The process that writes the step's output to the disk. */
  get readerPid(): number | undefined {
    return notesIn(Buffer.from(readText(this.file('job'))?.slice(0, NOTES_BYTES) ?? '')).reader
  }

  /** The control group of its processes, if any: noted before they start, for an agent that comes after this one. */
  get cgroup(): string | undefined {
    return this.#cgroup ?? cgroupIn(readText(this.file('job')) ?? '')
  }
  set cgroup(path: string) {
    if (this.#cgroup === path) return
    noteCgroup(this.file('job'), path)
    this.#cgroup = path
  }
  #cgroup: string | undefined

  /** When something was noted last: the process's start, then its end. Now, when the step has removed the notes. */
  notedAt(): number {
    return Math.floor(statSync(this.file('job'), { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
  }

  spoolFiles(): SpoolFiles {
    return {
      raw: this.file('raw'),
      masked: this.file('log'),
      state: this.file('log.state'),
      added: this.file('masks'),
    }
  }

  /** Files that held a secret for the process; it has ended. */
  dropSecrets(): void {
    rmSync(this.stepFile('home', 'secrets'), { recursive: true, force: true })
    rmSync(this.file('start'), { force: true })
    rmSync(this.stepFile('start'), { force: true })
    rmSync(this.stepFile('inside'), { force: true })
  }

  /** Nothing may be written to it any more. */
  isRemoved = false

  /** It is out of the journal at once; the same job may be offered again, whatever cannot be removed of this. */
  async remove(): Promise<void> {
    this.isRemoved = true
    if (this.lane?.giveBack()) {
      if (this.#stepPath !== this.path) await removeTree(this.#stepPath)
      return
    }
    const places = new Set([this.path, this.#stepPath])
    // Without its file it is no job any more, wherever the agent may be killed.
    if (await isGone(this.temp)) for (const path of places) if (await removeFiles(path, 'job')) places.delete(path)
    const aside = [...places].filter((path) => existsSync(path)).map(setAside)
    if (aside.length > 0) await removeTree(this.temp)
    for (const path of aside) await removeTree(path)
  }
}

/** Folders of this name are no jobs any more. */
const LEFT = '@'

function setAside(path: string): string {
  const aside = join(dirname(path), `${LEFT}${basename(path)}.${randomBytes(4).toString('hex')}`)
  renameSync(path, aside)
  return aside
}

async function removeAll(path: string): Promise<void> {
  // That of a copy is another agent's.
  const temp = acceptedHere(path)?.temp
  if (temp) await removeTree(temp)
  await removeTree(path)
}

function acceptedHere(path: string): Accepted | undefined {
  const text = readText(join(path, 'job'))
  const accepted = text === undefined ? undefined : parseAccepted(acceptedIn(text))
  const here = placeOf(dirname(path))
  if (!accepted || (accepted.place ?? here) !== here) return undefined
  return accepted
}

function parseAccepted(text: string): Accepted | undefined {
  try {
    const { ref, spec, place, bootId, temp, claim } = JSON.parse(text)
    return {
      ref: fromJson(JobRefSchema, ref),
      spec: fromJson(JobSpecSchema, spec, { ignoreUnknownFields: true }),
      place,
      bootId,
      temp,
      claim,
    }
  } catch {
    return undefined
  }
}

/** Something else than a file: a step has made it of the folder of its job. */
const noFile = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'])

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (noFile.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** Undefined also for what a crash of the host has emptied: it is not synced. */
function readParsed<T>(path: string, parse: (text: string) => T): T | undefined {
  const text = readText(path)
  try {
    return text === undefined ? undefined : parse(text)
  } catch {
    return undefined
  }
}

export function refOf(ref: { jobId: string; epoch: number }): JobRef {
  return create(JobRefSchema, { jobId: ref.jobId, epoch: ref.epoch })
}
