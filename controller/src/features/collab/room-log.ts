// Owns what of one open document is in the database: appends its changes in batches, one after the other and for as long as it
// takes, reads on what other controllers appended, and folds updates into the full state.
import pLimit from 'p-limit'
import * as Y from 'yjs'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { StoredDraft } from '../pipelines/index.ts'
import type { LiveDocument } from './live-document.ts'

export interface RoomStore {
  read(after: number): Promise<StoredDraft | undefined>
  /** False: others have appended since `head`, or the document is gone. */
  append(head: number, update: Uint8Array): Promise<boolean>
  fold(seq: number, state: Uint8Array): Promise<void>
}

export interface RoomLogDeps {
  id: string
  live: LiveDocument
  store: RoomStore
  clock: Clock
  log: Logger
  /** A batch is made now; the answer is called when it is committed as number `seq`. */
  onBatch(): (seq: number) => void
  /** Everything in memory is committed. */
  onDrained(): void
  /** Batches after `from` up to `to` were read; `allStored`: nothing else is waiting. */
  onRead(from: number, to: number, allStored: boolean): void
  /** The document is no longer in the database. */
  onGone(): void
}

const retryFirstMs = 100
const retryMostMs = 5000
const foldAfterUpdates = 200
const foldAfterBytes = 4 * 1024 * 1024
const foldAfterMs = 60_000
/** More than this is put together on a thread. */
const mergeHereBytes = 64 * 1024

export class RoomLog {
  readonly #deps: RoomLogDeps
  /** Number of the last update that the document holds. */
  #seq = 0
  /** Changes that are not committed, in V2 encoding. */
  #pending: Uint8Array[] = []
  #storing: Promise<void> | undefined
  #storedVector: Uint8Array
  #unfolded = 0
  #unfoldedBytes = 0
  #foldedAt: number
  #closed = false
  #stopWaiting: (() => void) | undefined
  /** Reads and writes of the store, one after the other. */
  readonly #alone = pLimit(1)

  constructor(deps: RoomLogDeps) {
    this.#deps = deps
    this.#foldedAt = deps.clock.now().getTime()
    this.#storedVector = deps.live.vector
  }

  /** A change (V2) that is in the document and not in the database. */
  add(update: Uint8Array): void {
    this.#pending.push(update)
    void this.#store()
  }

  get seq(): number {
    return this.#seq
  }

  /** Some changes are in memory only. */
  get isDirty(): boolean {
    return this.#pending.length > 0 || this.#storing !== undefined
  }

  get storedVector(): Uint8Array {
    return this.#storedVector
  }

  /** Reads what others have stored since. Throws when the store does; false when the document is gone. */
  catchUp(): Promise<boolean> {
    return this.#alone(() => this.#readOn())
  }

  async #readOn(): Promise<boolean> {
    const { store, live } = this.#deps
    const news = await store.read(this.#seq)
    if (!news) return false
    if (this.#closed) return true
    const clean = !this.isDirty
    await live.apply(news.updates, 'store')
    const from = this.#seq
    this.#count(news.seq - from, news.updates)
    this.#seq = news.seq
    const allStored = news.updates.length > 0 && clean && !this.isDirty
    if (allStored) this.#storedVector = live.vector
    this.#deps.onRead(from, news.seq, allStored)
    return true
  }

  /** Resolves when everything that is in memory now is committed. */
  async flush(): Promise<void> {
    while (this.isDirty && !this.#closed) await this.#store()
  }

  #store(): Promise<void> {
    this.#storing ??= this.#storeAll().finally(() => {
      this.#storing = undefined
      this.#afterStoring()
    })
    return this.#storing
  }

  async #storeAll(): Promise<void> {
    let delay = retryFirstMs
    // What arrives in this turn of the event loop belongs to the same batch.
    await Promise.resolve()
    while (this.#pending.length > 0 && !this.#closed) {
      try {
        await this.#alone(() => this.#storeBatch())
        delay = retryFirstMs
      } catch (error) {
        this.#deps.log.error({ err: error, pipelineId: this.#deps.id }, 'a draft could not be saved; trying again')
        await this.#wait(delay)
        delay = Math.min(delay * 2, retryMostMs)
      }
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.setTimer(ms, resolve)
      this.#stopWaiting = () => {
        cancel()
        resolve()
      }
    })
  }

  async #storeBatch(): Promise<void> {
    const batch = [...this.#pending]
    const committed = this.#deps.onBatch()
    const { vector } = this.#deps.live
    const update = await this.#oneOf(batch)
    while (!(await this.#deps.store.append(this.#seq, update))) {
      if (!(await this.#readOn())) {
        this.#pending = []
        this.#deps.onGone()
        return
      }
    }
    this.#seq += 1
    this.#count(1, [update])
    this.#pending = this.#pending.slice(batch.length)
    this.#storedVector = vector
    committed(this.#seq)
  }

  #afterStoring(): void {
    if (this.#closed) return
    if (this.#pending.length > 0) {
      void this.#store()
      return
    }
    this.#deps.onDrained()
    const since = this.#deps.clock.now().getTime() - this.#foldedAt
    if (this.isLong || (this.#unfolded > 0 && since >= foldAfterMs)) void this.fold()
  }

  async #oneOf(batch: Uint8Array[]): Promise<Uint8Array> {
    if (batch.length === 1) return batch[0] as Uint8Array
    return sizeOf(batch) > mergeHereBytes ? this.#deps.live.merged(batch) : Y.mergeUpdatesV2(batch)
  }

  #count(updates: number, bytes: readonly Uint8Array[]): void {
    this.#unfolded += updates
    this.#unfoldedBytes += sizeOf(bytes)
  }

  /** Whoever opens it next would read long. */
  get isLong(): boolean {
    return this.#unfolded >= foldAfterUpdates || this.#unfoldedBytes >= foldAfterBytes
  }

  /** Writes the full state over the updates. A failure costs nothing: they stay. */
  async fold(): Promise<void> {
    if (this.#unfolded === 0) return
    try {
      await this.#alone(async () => {
        this.#unfolded = 0
        this.#unfoldedBytes = 0
        this.#foldedAt = this.#deps.clock.now().getTime()
        await this.#deps.store.fold(this.#seq, await this.#deps.live.fold())
      })
    } catch (error) {
      this.#deps.log.warn({ err: error, pipelineId: this.#deps.id }, 'a draft could not be compacted')
    }
  }

  /** Nothing is saved after this: flush first. */
  close(): void {
    this.#closed = true
    this.#stopWaiting?.()
  }
}

function sizeOf(updates: readonly Uint8Array[]): number {
  return updates.reduce((sum, { length }) => sum + length, 0)
}
