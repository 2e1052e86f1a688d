// Owns a main that is a container. Its runtime's program is a process of this host like that of any step: it goes on without the
// agent, writes the output and ends as the container does. What it cannot say the runtime is asked.
import { setTimeout as delay } from 'node:timers/promises'
import type { ContainerExecution } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { JobProcess } from '../job/job-process.ts'
import type { JobFolder } from '../job/journal.ts'
import { impossible } from '../job/outcome.ts'
import type { Main, MainEnd, StepContext, StepHost } from '../steps/step-kind.ts'
import { containerCommand } from './container-command.ts'
import { type ContainerNote, containerName, notedContainer } from './container-note.ts'
import { callRuntime, RuntimeError } from './runtime.ts'

const ASK_MS = 10_000
/** Its program hears of a killed container at once. */
const KILLED_MS = 5000
/** To all of its processes: PID 1 only hands on to its child what it gets, and a shell that waits for a command heeds nothing. */
const TERM_ALL = 'kill -TERM -1'
/** What its program ends with when the container could not be made, or not be started. */
const NOT_RUN: readonly number[] = [125, 126, 127]

interface State {
  Status: string
  ExitCode: number
  OOMKilled: boolean
  StartedAt: string
}

export class ContainerProcess implements Main {
  readonly #folder: JobFolder
  readonly #process: JobProcess
  #onChange: () => void = () => {}
  #memoryMib = 0
  /** How the container ended, when its program says that it failed; asked once. */
  #told: MainEnd | undefined
  #isAsking = false
  #isKilled = false

  constructor(execution: ContainerExecution, folder: JobFolder) {
    this.#folder = folder
    this.#process = new JobProcess(folder, (context) => {
      const note = notedContainer(folder)
      if (!note) throw new Error('The image of its container is not known.')
      return containerCommand(execution, note, context)
    })
  }

  async begin(context: StepContext, onChange: () => void): Promise<void> {
    this.#use(context.host, onChange)
    await this.#process.begin(context, onChange)
  }

  attach(host: StepHost, onChange: () => void): void {
    this.#use(host, onChange)
    this.#process.attach(host, onChange)
  }

  #use(host: StepHost, onChange: () => void): void {
    this.#memoryMib = host.config.containers.memoryMib
    this.#onChange = onChange
  }

  unfollow(): void {
    this.#process.unfollow()
  }

  startedAt(): number | undefined {
    return this.#process.startedAt()
  }

  elapsedMs(): number {
    return this.#process.elapsedMs()
  }

  ended(): MainEnd | undefined {
    const end = this.#process.ended()
    if (!end?.exitCode || end.lost !== undefined || this.#isKilled) return end
    if (!this.#told && !this.#isAsking) void this.#ask(end.exitCode)
    return this.#told
  }

  async #ask(exitCode: number): Promise<void> {
    this.#isAsking = true
    const note = notedContainer(this.#folder)
    try {
      this.#told = { exitCode, ...(note && this.#meaning(exitCode, await this.#state(note))) }
    } catch {
      this.#told = { exitCode, lost: 'the container runtime does not answer' }
    }
    this.#onChange()
  }

  #meaning(exitCode: number, state: State | undefined): Partial<MainEnd> {
    const notRun = NOT_RUN.includes(exitCode) && (!state || state.StartedAt.startsWith('0001-'))
    if (notRun) return { why: impossible('Its container could not be started; its log says why.') }
    if (!state) return { lost: 'its container was removed' }
    if (state.Status !== 'exited') return { lost: 'the connection to its container broke' }
    if (state.ExitCode !== exitCode) return { lost: 'its container was ended by its runtime' }
    if (!state.OOMKilled) return {}
    const reason = this.#memoryMib > 0 ? String(this.#memoryMib) : ''
    return { why: { outcome: Outcome.FAILED, reason, reasonCode: 'out_of_memory' } }
  }

  async #state({ runtime }: ContainerNote): Promise<State | undefined> {
    try {
      const args = ['container', 'inspect', '--format', '{{json .State}}', containerName(this.#folder)]
      return JSON.parse(await callRuntime(runtime, args, { timeout: ASK_MS })) as State
    } catch (error) {
      if (error instanceof RuntimeError) return undefined
      throw error
    }
  }

  vanished(): string | undefined {
    return this.#process.ended() ? undefined : this.#process.vanished()
  }

  async kill(graceMs: number, hurry: AbortSignal): Promise<number> {
    const note = notedContainer(this.#folder)
    if (note && (this.startedAt() !== undefined || !this.#folder.claim())) {
      await this.#askToEnd(note, graceMs, hurry)
      if (!this.#process.ended()) await this.#endNow(note)
    }
    this.#isKilled = true
    return this.#process.kill(0, hurry)
  }

  async #askToEnd({ runtime }: ContainerNote, graceMs: number, hurry: AbortSignal): Promise<void> {
    const args = ['exec', '--user', '0:0', containerName(this.#folder), '/bin/sh', '-c', TERM_ALL]
    const deadline = performance.now() + graceMs
    let isTold = false
    while (!hurry.aborted && !this.#process.ended()) {
      const left = Math.floor(deadline - performance.now())
      if (left <= 0) return
      // It may only be about to begin.
      if (!isTold) {
        const told = callRuntime(runtime, args, { timeout: Math.min(left, ASK_MS), signal: hurry })
        isTold = await told.then(
          () => true,
          () => false,
        )
      }
      await delay(20)
    }
  }

  async #endNow({ runtime }: ContainerNote): Promise<void> {
    await callRuntime(runtime, ['kill', containerName(this.#folder)], { timeout: ASK_MS }).catch(() => {})
    const until = performance.now() + KILLED_MS
    while (!this.#process.ended() && performance.now() < until && this.startedAt() !== undefined) await delay(20)
  }

  release(): void {
    this.#process.release()
  }
}
