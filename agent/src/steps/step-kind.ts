// Owns the shape of an execution kind: what it does in each phase of a job, and how what runs as its main is begun, followed,
// taken up by a later agent, and ended.
import type { JobSpec, SecretValue } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { Config } from '../config.ts'
import type { Containers } from '../containers/containers.ts'
import type { JobFolder } from '../job/journal.ts'
import type { Ending } from '../job/outcome.ts'
import type { Launcher } from '../process/process.ts'
import type { Sweep } from '../process/process-tree.ts'

/** In this order. After follows a main that has ended by itself; clean up follows whatever had begun, however it ended. */
export const phases = ['prepare', 'before', 'main', 'after', 'cleanUp'] as const
export type Phase = (typeof phases)[number]

/** What kinds use of this host. */
export interface StepHost {
  config: Config
  launcher: Launcher
  sweep: Sweep
  containers: Pick<Containers, 'runtime'>
  /** What tells the containers of this agent's from those of others on this host. */
  place: string
}

export interface StepContext {
  folder: JobFolder
  /** Real path of the workspace. */
  workspace: string
  /** None for a clean up: an agent may do it that was never told them. */
  secrets: readonly SecretValue[]
  host: StepHost
  /** A line in the job's log; secrets in it are masked. */
  say(line: string): void
}

export interface PhaseContext extends StepContext {
  /** The phase is to end: the job was canceled or takes too long. What has not ended after the grace period is left alone. */
  signal: AbortSignal
}

/** How a main has ended. `lost`: what it has done or printed is not known; not asked when it was ended on purpose. */
export interface MainEnd {
  exitCode?: number
  lost?: string
  /** Why it failed, where that is known better than by the exit code. */
  why?: Pick<Ending, 'outcome' | 'reason' | 'reasonCode'>
}

/**
 * What runs as the main of a job, and goes on without the agent: a later one makes another object of the same folder. It
 * writes its output to the folder's file `raw`, once it has begun it by `folder.begin()` or made that file in its stead: who made it may run
 * the job.
 */
export interface Main {
  /** Begins it, and calls `onChange` whenever there may be output or an end. Throws a sentence when the spec cannot be run. */
  begin(context: StepContext, onChange: () => void): Promise<void>
  /** Takes up what an agent before this one has begun, as far as it came. */
  attach(host: StepHost, onChange: () => void): void
  unfollow(): void
  /** When it began to run, in milliseconds; undefined: not yet. */
  startedAt(): number | undefined
  /** Since then, unmoved by changes of the clock. */
  elapsedMs(): number
  /** Known: all it has printed before is in `raw`. Asked whenever something has changed. */
  ended(): MainEnd | undefined
  /** Why it will never be known, if so. Asked now and then. */
  vanished(): string | undefined
  /**
   * Asks it to end, and makes it end after the grace period or when `hurry` says so. Answers how many processes could not be ended.
   * What is only about to begin is kept from it, by `folder.claim()`.
   */
  kill(graceMs: number, hurry: AbortSignal): Promise<number>
  /** It has ended: what it has left running ends too, and what it held is free for others. May be called again. */
  release(): void
}

export type ExecutionCase = NonNullable<JobSpec['execution']['case']>
export type ExecutionOf<K extends ExecutionCase> = Extract<JobSpec['execution'], { case: K }>['value']

/**
 * A phase that throws a sentence has failed the job with it; a system error means that the agent could not do it. Each phase but
 * main is begun again by the next agent when this one is killed in it, so it must find its way from wherever it came to.
 */
export interface StepKind<K extends ExecutionCase> {
  /** Outputs that the kind itself makes, besides those a step declares. */
  outputs: readonly string[]
  /** What needs time and holds nothing, such as fetching an image. */
  prepare?(execution: ExecutionOf<K>, context: PhaseContext): Promise<void>
  /** What main needs beside it, such as a network and services. */
  before?(execution: ExecutionOf<K>, context: PhaseContext): Promise<void>
  /** Nothing begins here. */
  main(execution: ExecutionOf<K>, folder: JobFolder): Main
  /** What is made of the result, such as an upload. Outputs may still be added to the step's file of them. */
  after?(execution: ExecutionOf<K>, context: PhaseContext, exitCode: number): Promise<void>
  /** Takes everything back. What it throws is told in the log. */
  cleanUp?(execution: ExecutionOf<K>, context: PhaseContext): Promise<void>
}

/** The table ties each kind to its message, which the compiler cannot follow through a lookup. */
export interface AnyKind {
  outputs: readonly string[]
  prepare?(execution: unknown, context: PhaseContext): Promise<void>
  before?(execution: unknown, context: PhaseContext): Promise<void>
  main(execution: unknown, folder: JobFolder): Main
  after?(execution: unknown, context: PhaseContext, exitCode: number): Promise<void>
  cleanUp?(execution: unknown, context: PhaseContext): Promise<void>
}
