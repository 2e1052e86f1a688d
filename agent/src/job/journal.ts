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
import { type DataFolder, replaceFile } from '../data-folder.ts'
import type { SpoolFiles } from '../log/log-spool.ts'
import { textOf } from '../log.ts'
import { bootId } from '../process/process-table.ts'
import { giveAll, type StepUser } from '../process/step-user.ts'
import { PID_BYTES, READER_BLANK, STATE_BLANK } from '../process/wrapper.ts'
import { removeTree } from './remove-tree.ts'
import { makeTempFolder, newTempPath } from './temp-folder.ts'

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
}
/** The folders of all jobs. */
type Places = Pick<DataFolder, 'jobs' | 'steps'>
const AGENT_CLAIM = 'agent'

const machineId = readText('/etc/machine-id')?.trim() ?? ''

/** The same for this folder on this host, whatever restarts; another for a copy of it, here or elsewhere. */
function placeOf(path: string): string {
  return `${machineId}:${statSync(path).ino}`
}

/** Why the agent ends the job; written before it does, so that a restarted agent goes on with it. */
export interface Intent {
  kind: 'canceled' | 'timedOut' | 'fenced'
  graceMs: number
  /** Canceled by nobody: the agent itself was told to stop. */
  agentStops?: true
}

export interface WrapperNotes {
  /** Its process, and when that started. */
  pid?: number
  startTime: string
  /** The step's session. */
  session?: number
  exitCode?: number
  /** Output could not be written to the disk. */
  isUnkept: boolean
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

  private constructor(path: string, stepPath: string, accepted: Accepted) {
    this.path = path
    this.#stepPath = stepPath
    this.ref = accepted.ref
    this.spec = accepted.spec
    this.sameBoot = accepted.bootId === bootId()
    this.temp = accepted.temp
  }

  /**
   * Written when this returns: only then may the job be accepted. Not synced: after a crash of the host every job is lost,
   * whether its folder is still there (the boot id tells) or not (the hello does not name it).
   */
  static create({ jobs, steps }: Places, ref: JobRef, spec: JobSpec): JobFolder {
    const path = join(jobs, ref.jobId)
    mkdirSync(join(path, 'run'), { recursive: true, mode: 0o700 })
    const stepPath = join(steps, ref.jobId)
    const notes = { place: placeOf(jobs), bootId: bootId(), temp: newTempPath() ?? join(stepPath, 'tmp') }
    const accepted = { ref: toJson(JobRefSchema, ref), spec: toJson(JobSpecSchema, spec), ...notes }
    replaceFile(join(path, 'job.json'), JSON.stringify(accepted))
    return new JobFolder(path, stepPath, { ref, spec, ...notes })
  }

  /** Every job that was accepted here. */
  static readAll({ jobs, steps }: Places): JobFolder[] {
    return readdirSync(jobs).flatMap((name) => {
      const accepted = isJobId(name) ? acceptedHere(join(jobs, name)) : undefined
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
    mkdirSync(this.#stepPath, { recursive: true, mode: 0o700 })
    if (!makeTempFolder(this.temp)) throw new Error(`its temporary folder ${this.temp} cannot be made`)
    const state = this.file('run', 'state')
    if (existsSync(state)) return
    // The second of them says that the first is whole.
    writeFileSync(this.file('reader'), READER_BLANK, { mode: 0o600 })
    replaceFile(state, STATE_BLANK)
  }

  /** A file of the job, whole at once; whoever reads an older one of that name goes on reading that. */
  write(name: string, content: string | Uint8Array): void {
    replaceFile(this.file(name), content)
  }

  writeForStep(name: string, content: string | Uint8Array, mode = 0o600): string {
    const path = this.stepFile(name)
    replaceFile(path, content, { mode })
    return path
  }

  get intent(): Intent | undefined {
    return readParsed(this.file('intent.json'), (text) => JSON.parse(text) as Intent)
  }
  set intent(intent: Intent) {
    replaceFile(this.file('intent.json'), JSON.stringify(intent))
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

  /** Whoever makes it may run the job: the wrapper, or the agent to make sure that it never runs. False when it is made. */
  claim(): boolean {
    try {
      writeFileSync(this.file('run', 'claim'), AGENT_CLAIM, { mode: 0o600, flag: 'wx' })
      return true
    } catch {
      return false
    }
  }
  get claimedBy(): 'nobody' | 'agent' | 'wrapper' {
    const text = readText(this.file('run', 'claim'))
    if (text === undefined) return 'nobody'
    return text === AGENT_CLAIM ? 'agent' : 'wrapper'
  }

  /** What the wrapper has noted so far. `bytes`: what `run/state` holds. */
  static parseState(bytes: Buffer): WrapperNotes {
    const [pid = '', startTime = '', session = pid] = bytes.toString('latin1', 0, PID_BYTES).trim().split(' ')
    const [exit = '', unkept] = bytes.toString('latin1', PID_BYTES).trim().split(' ')
    return {
      startTime,
      ...(pid === '' ? {} : { pid: Number(pid), session: Number(session) }),
      ...(exit === '' ? {} : { exitCode: Number(exit) }),
      isUnkept: unkept !== undefined,
    }
  }

  /** The process that writes the step's output to the disk. */
  get readerPid(): number | undefined {
    return Number(readText(this.file('reader'))) || undefined
  }

  /** The control group of its processes, if any: noted before they start, for an agent that comes after this one. */
  get cgroup(): string | undefined {
    return readText(this.file('cgroup'))
  }
  set cgroup(path: string) {
    if (this.cgroup !== path) replaceFile(this.file('cgroup'), path)
  }

  /** When `run/state` was written last: the process's start, then its end. */
  notedAt(): number {
    return Math.floor(statSync(this.file('run', 'state')).mtimeMs)
  }

  /** Raw output is in `run`, which is watched; what the agent writes itself is not. */
  spoolFiles(): SpoolFiles {
    return {
      raw: this.file('run', 'raw'),
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
  }

  /** Nothing may be written to it any more. */
  isRemoved = false

  /** It is out of the journal at once; the same job may be offered again, whatever cannot be removed of this. */
  async remove(): Promise<void> {
    this.isRemoved = true
    const places = new Set([this.path, this.#stepPath])
    const aside = [...places].filter((path) => existsSync(path)).map(setAside)
    await removeTree(this.temp)
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
  const text = readText(join(path, 'job.json'))
  const accepted = text === undefined ? undefined : parseAccepted(text)
  const here = placeOf(dirname(path))
  if (!accepted || (accepted.place ?? here) !== here) return undefined
  // Jobs of before it was noted there have it in a file of its own, or in their folder.
  accepted.temp ??= readText(join(path, 'temp')) || join(path, 'tmp')
  return accepted
}

function parseAccepted(text: string): Accepted | undefined {
  try {
    const { ref, spec, place, bootId, temp } = JSON.parse(text)
    return {
      ref: fromJson(JobRefSchema, ref),
      spec: fromJson(JobSpecSchema, spec, { ignoreUnknownFields: true }),
      place,
      bootId,
      temp,
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
