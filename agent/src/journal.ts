// Owns the journal: one folder a job, from which a restarted agent knows what it had promised, what runs and how it ended.
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Finished,
  FinishedSchema,
  type JobRef,
  JobRefSchema,
  type JobSpec,
  JobSpecSchema,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { create, fromJson, fromJsonString, toJson, toJsonString } from '@bufbuild/protobuf'
import type { SpoolFiles } from './log-spool.ts'
import { EXIT_BLANK, PID_BLANK } from './process.ts'
import { bootId } from './process-table.ts'
import { removeTree } from './workspace.ts'

/** Ids become folder names and words on the helper's input. */
export function isJobId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(id)
}

interface Accepted {
  ref: JobRef
  spec: JobSpec
  /** The host was not restarted since when this is still its value. */
  bootId: string
}
/** Written just before the process is started. */
export interface Launch {
  at: string
  /** Whether there were secrets to mask: then output found after a restart waits until they are known again. */
  secrets: boolean
  /** Outputs that the execution kind makes itself. */
  outputs: readonly string[]
}
/** Why the agent ends the job; written before it does, so that a restarted agent goes on with it. */
export interface Intent {
  kind: 'canceled' | 'timedOut' | 'fenced'
  graceMs: number
}

export class JobFolder {
  readonly path: string
  readonly ref: JobRef
  readonly spec: JobSpec
  readonly sameBoot: boolean

  private constructor(path: string, accepted: Accepted) {
    this.path = path
    this.ref = accepted.ref
    this.spec = accepted.spec
    this.sameBoot = accepted.bootId === bootId()
  }

  /** On disk, and synced, when this resolves: only then may the job be accepted. */
  static async create(jobsPath: string, ref: JobRef, spec: JobSpec): Promise<JobFolder> {
    const path = join(jobsPath, ref.jobId)
    await mkdir(join(path, 'run'), { recursive: true, mode: 0o700 })
    const accepted = { ref: toJson(JobRefSchema, ref), spec: toJson(JobSpecSchema, spec), bootId: bootId() }
    await writeFile(join(path, 'job.next'), JSON.stringify(accepted), { mode: 0o600, flush: true })
    await rename(join(path, 'job.next'), join(path, 'job.json'))
    return new JobFolder(path, { ref, spec, bootId: bootId() })
  }

  /** Every job that was accepted; folders of offers that never came so far are removed. */
  static async readAll(jobsPath: string): Promise<JobFolder[]> {
    const folders: JobFolder[] = []
    for (const name of readdirSync(jobsPath)) {
      const path = join(jobsPath, name)
      const text = readText(join(path, 'job.json'))
      const accepted = text === undefined ? undefined : parseAccepted(text)
      if (accepted) folders.push(new JobFolder(path, accepted))
      else await removeTree(path)
    }
    return folders
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts)
  }

  /** Everything the wrapper needs except `start`, which comes last. */
  prepare(): void {
    mkdirSync(this.file('tmp'), { recursive: true, mode: 0o700 })
    writeFileSync(this.file('run', 'pid'), PID_BLANK, { mode: 0o600 })
    writeFileSync(this.file('run', 'exit'), EXIT_BLANK, { mode: 0o600 })
    writeFileSync(this.file('run', 'raw'), '', { mode: 0o600, flag: 'a' })
    writeFileSync(this.file('output'), '', { mode: 0o600 })
  }

  write(name: string, content: string | Uint8Array, mode = 0o600): string {
    const path = this.file(name)
    writeFileSync(`${path}.next`, content, { mode })
    renameSync(`${path}.next`, path)
    return path
  }

  get launch(): Launch | undefined {
    return readJson<Launch>(this.file('launch.json'))
  }
  set launch(launch: Launch) {
    this.write('launch.json', JSON.stringify(launch))
  }

  get intent(): Intent | undefined {
    return readJson<Intent>(this.file('intent.json'))
  }
  set intent(intent: Intent) {
    this.write('intent.json', JSON.stringify(intent))
  }

  /** Not synced: after a crash of the host the controller has it or hears "lost", and never both. */
  get result(): Finished | undefined {
    const text = readText(this.file('result.json'))
    return text === undefined ? undefined : fromJsonString(FinishedSchema, text)
  }
  set result(finished: Finished) {
    this.write('result.json', toJsonString(FinishedSchema, finished))
  }

  /** Whoever makes it may run the job: the wrapper, or the agent to make sure that it never runs. False when it is made. */
  claim(): boolean {
    try {
      closeSync(openSync(this.file('run', 'claim'), 'wx', 0o600))
      return true
    } catch {
      return false
    }
  }
  get claimed(): boolean {
    return readText(this.file('run', 'claim')) !== undefined
  }

  /** The wrapper's process, once it has noted itself. */
  readPid(): { pid: number; startTime: string } | undefined {
    const [pid = '', startTime = ''] = (readText(this.file('run', 'pid')) ?? '').trim().split(' ')
    return pid === '' ? undefined : { pid: Number(pid), startTime }
  }

  readExit(): number | undefined {
    const text = (readText(this.file('run', 'exit')) ?? '').trim()
    return text === '' ? undefined : Number(text)
  }

  exitedAt(): number | undefined {
    const stat = this.readExit() === undefined ? undefined : statSync(this.file('run', 'exit'))
    return stat && Math.floor(stat.mtimeMs)
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
    rmSync(this.file('home', 'secrets'), { recursive: true, force: true })
    rmSync(this.file('start'), { force: true })
  }

  remove(): Promise<void> {
    return removeTree(this.path)
  }
}

function parseAccepted(text: string): Accepted | undefined {
  try {
    const { ref, spec, bootId } = JSON.parse(text)
    return {
      ref: fromJson(JobRefSchema, ref),
      spec: fromJson(JobSpecSchema, spec, { ignoreUnknownFields: true }),
      bootId,
    }
  } catch {
    return undefined
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

function readJson<T>(path: string): T | undefined {
  const text = readText(path)
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

export function refOf(ref: { jobId: string; epoch: number }): JobRef {
  return create(JobRefSchema, { jobId: ref.jobId, epoch: ref.epoch })
}
