// Owns what the controller is told of a job and has to answer: that it is accepted, and how it ended; told again until it is
// answered, and kept in the journal when that takes long.
import type { Finished } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ControlMessage } from '../link/rpc-client.ts'
import { type Log, textOf } from '../log.ts'
import type { Intent, JobFolder } from './journal.ts'

/** A result that is not acknowledged after this long is written to the journal. */
const KEEP_MS = 300
const START_TOLD_MS = 15

export class JobResult {
  finished: Finished | undefined
  /** All of its log is stored. */
  logComplete = false
  #acknowledged = false
  #hasStarted = false
  #toldAt = performance.now()
  readonly #folder: JobFolder
  readonly #host: { log: Log; send(message: ControlMessage): void }

  constructor(folder: JobFolder, host: { log: Log; send(message: ControlMessage): void }) {
    this.#folder = folder
    this.#host = host
  }

  /** Nothing of the job is wanted any more. */
  get isDone(): boolean {
    return this.#acknowledged && this.logComplete
  }

  get isAcknowledged(): boolean {
    return this.#acknowledged
  }

  acknowledge(): void {
    this.#acknowledged = true
  }

  tellAccepted(): void {
    this.#tell({ kind: { case: 'accept', value: { job: this.#folder.ref } } })
  }

  /** What has started by its offer says so, or its result does; only what takes longer has been accepted meanwhile. */
  tellTaken(): void {
    setTimeout(() => {
      const value = { job: this.#folder.ref, starts: true }
      if (!this.#hasStarted && !this.finished) this.#host.send({ kind: { case: 'accept', value } })
    }, START_TOLD_MS).unref()
  }

  /** What ends right behind its start is told by its result, which says when it started. */
  tellStarted(at: number): void {
    this.#hasStarted = true
    setTimeout(() => {
      const value = { job: this.#folder.ref, at: timestampFromMs(at) }
      if (!this.finished) this.#host.send({ kind: { case: 'started', value } })
    }, START_TOLD_MS).unref()
  }

  /** For an agent after this one. Also when it cannot be written, a full disk for one, the step is ended. */
  keepIntent(intent: Intent): void {
    try {
      this.#folder.intent = intent
    } catch (error) {
      const fields = { job: this.#folder.ref.jobId, error: textOf(error) }
      this.#host.log.warn('Why a job is ended cannot be written to the journal.', fields)
    }
  }

  /** What a process left can be worked out again, and mostly the result is acknowledged at once: then it is never written. */
  tellFinished(finished: Finished): void {
    this.finished = finished
    this.#tell({ kind: { case: 'finished', value: finished } })
    // Its reports are in a workspace that may be gone soon.
    if (finished.exitCode === undefined || finished.reports) this.#keep(finished)
    else setTimeout(() => this.#keep(finished), KEEP_MS).unref()
  }

  /** Anything may get lost between two processes; the second copy changes nothing. */
  repeat(afterMs: number, isAccepted: boolean): void {
    if (performance.now() - this.#toldAt < afterMs) return
    if (isAccepted) this.tellAccepted()
    else if (this.finished && !this.#acknowledged) this.#tell({ kind: { case: 'finished', value: this.finished } })
  }

  #tell(message: ControlMessage): void {
    this.#toldAt = performance.now()
    this.#host.send(message)
  }

  #keep(finished: Finished): void {
    if (this.isDone || this.#folder.isRemoved) return
    try {
      this.#folder.dropSecrets()
      this.#folder.result = finished
    } catch (error) {
      const fields = { job: this.#folder.ref.jobId, error: textOf(error) }
      this.#host.log.error('A result cannot be written to the journal.', fields)
    }
  }
}
