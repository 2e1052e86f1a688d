// Owns what of one open document is in the database: appends its changes in batches, one after the other and for as long as it
// takes, reads on what other controllers appended, and folds updates into the full state.
import * as Y from 'yjs'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { StoredDraft } from '../pipelines/index.ts'

export interface RoomStore {
  read(after: number): Promise<StoredDraft | undefined>
  /** False: others have appended since `head`, or the document is gone. */
  append(head: number, update: Uint8Array): Promise<boolean>
  fold(seq: number, state: Uint8Array): Promise<void>
}

export interface RoomLogDeps {
  id: string
  doc: Y.Doc
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
const foldAfterMs = 60_000

/** Origin of changes that are in the database already. */
export const fromStore = { origin: 'store' }

export class RoomLog {
  readonly #deps: RoomLogDeps
  /** Number of the last update that the document holds. */
  #seq = 0
  /** Changes that are not committed, in V2 encoding. */
  #pending: Uint8Array[] = []
  #storing: Promise<void> | undefined
  #storedVector = Y.encodeStateVector(new Y.Doc())
  #unfolded = 0
  #foldedAt: number
  #closed = false
  #stopWaiting: (() => void) | undefined
  /** Reads and writes of the store, one after the other. */
  #exclusive: Promise<unknown> = Promise.resolve()

  constructor(deps: RoomLogDeps) {
    this.#deps = deps
    this.#foldedAt = deps.clock.now().getTime()
    deps.doc.on('updateV2', (update: Uint8Array, origin: unknown) => {
      if (origin === fromStore) return
      this.#pending.push(update)
      void this.#store()
    })
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
    const { store, doc } = this.#deps
    const news = await store.read(this.#seq)
    if (!news) return false
    if (this.#closed) return true
    const clean = !this.isDirty
    doc.transact(() => {
      for (const update of news.updates) Y.applyUpdateV2(doc, update)
    }, fromStore)
    const from = this.#seq
    this.#unfolded += news.seq - from
    this.#seq = news.seq
    const allStored = news.updates.length > 0 && clean && !this.isDirty
    if (allStored) this.#storedVector = Y.encodeStateVector(doc)
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
    const vector = Y.encodeStateVector(this.#deps.doc)
    const update = batch.length === 1 ? (batch[0] as Uint8Array) : Y.mergeUpdatesV2(batch)
    while (!(await this.#deps.store.append(this.#seq, update))) {
      if (!(await this.#readOn())) {
        this.#pending = []
        this.#deps.onGone()
        return
      }
    }
    this.#seq += 1
    this.#unfolded += 1
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
    if (this.#unfolded >= foldAfterUpdates || (this.#unfolded > 0 && since >= foldAfterMs)) void this.fold()
  }

  /** Writes the full state over the updates. A failure costs nothing: they stay. */
  async fold(): Promise<void> {
    if (this.#unfolded === 0) return
    try {
      await this.#alone(async () => {
        this.#unfolded = 0
        this.#foldedAt = this.#deps.clock.now().getTime()
        await this.#deps.store.fold(this.#seq, Y.encodeStateAsUpdateV2(this.#deps.doc))
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

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#exclusive.then(work)
    this.#exclusive = result.catch(() => undefined)
    return result
  }
}
