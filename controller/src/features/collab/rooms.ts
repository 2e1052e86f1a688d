// Owns the open documents of this controller: loaded once, kept while someone uses them, in step with other controllers
// through the database, and unloaded when all is stored.
import { AppError, notFound, unavailable } from '@ansflow/proto/errors'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Logger } from '../../platform/log.ts'
import { type Loop, loop } from '../../platform/loop.ts'
import type { Workers } from '../../platform/workers.ts'
import {
  appendUpdate,
  type DraftNotice,
  type Drafts,
  deriveDraft,
  draftTasks,
  foldUpdates,
  readDraft,
  readHeads,
  type StoredDraft,
} from '../pipelines/index.ts'
import { createDecoder, type Decoder } from './decoder.ts'
import { bundles } from './presence.ts'
import { Room } from './room.ts'
import type { RoomStore } from './room-log.ts'

export interface RoomsDeps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
  workers: Workers
  /** For tests: another store than the database. */
  storeOf?: (pipelineId: string) => RoomStore
  checkLimitMs?: number
}

interface OpenRoom {
  loading: Promise<Room>
  room: Room | undefined
  users: number
  cancelUnload: (() => void) | undefined
  /** Set while the pipeline's row waits to be told of changes. */
  cancelDerive: (() => void) | undefined
}

const lingerMs = 20_000
const mostUnfolded = 50
const deriveMs = 500
const sweepMs = 5000
const flushLimitMs = 10_000
const goneRefusal = { code: 'unavailable', message: 'The pipeline was deleted.' } as const

export class Rooms implements Drafts {
  readonly #deps: RoomsDeps
  readonly #decoder: Decoder
  readonly #open = new Map<string, OpenRoom>()
  readonly #instance = uuidv7()
  readonly #sweep: Loop
  readonly #unsubscribe: (() => void)[]
  #stopping = false

  constructor(deps: RoomsDeps) {
    this.#deps = deps
    const { bus, clock, log } = deps
    this.#decoder = createDecoder(log, deps.checkLimitMs)
    const elsewhere = (pipelineId: string, from: string) =>
      from === this.#instance ? undefined : this.#open.get(pipelineId)?.room
    this.#unsubscribe = [
      bus.subscribe('doc.changed', ({ pipelineId, seq, from, touched }) => {
        const room = elsewhere(pipelineId, from)
        room?.learnAuthors(seq, touched)
        if (room && seq > room.seq) void this.#catchUp(room)
      }),
      bus.subscribe('doc.presence', ({ pipelineId, from, states, ask }) => {
        elsewhere(pipelineId, from)?.receivePresence(from, states, ask)
      }),
      bus.subscribe('doc.notice', ({ pipelineId, from, notice }) => {
        elsewhere(pipelineId, from)?.announce(notice)
      }),
      bus.subscribe('doc.gone', ({ pipelineId, from }) => {
        const room = elsewhere(pipelineId, from)
        if (room) void this.#catchUp(room)
      }),
    ]
    this.#sweep = loop({ name: 'open drafts', everyMs: sweepMs, run: () => this.#sweepRooms(), bus, clock, log })
  }

  /** Documents in memory. */
  get size(): number {
    return this.#open.size
  }

  /** The document's room, loaded if it was not; to be given back by `release`. Throws `not_found`, or what the store throws. */
  async acquire(pipelineId: string): Promise<Room> {
    if (this.#stopping) throw unavailable('The controller stops.')
    let entry = this.#open.get(pipelineId)
    if (!entry) {
      entry = {
        loading: this.#load(pipelineId),
        room: undefined,
        users: 0,
        cancelUnload: undefined,
        cancelDerive: undefined,
      }
      this.#open.set(pipelineId, entry)
    }
    entry.cancelUnload?.()
    entry.cancelUnload = undefined
    entry.users += 1
    try {
      entry.room = await entry.loading
      return entry.room
    } catch (error) {
      if (this.#open.get(pipelineId) === entry) this.#open.delete(pipelineId)
      throw error
    }
  }

  release(room: Room): void {
    const entry = this.#open.get(room.id)
    if (entry?.room !== room) return
    entry.users -= 1
    if (entry.users === 0) this.#unloadLater(entry, room)
  }

  #unloadLater(entry: OpenRoom, room: Room): void {
    entry.cancelUnload?.()
    entry.cancelUnload = this.#deps.clock.setTimer(lingerMs, () => {
      void this.#unload(entry, room)
    })
  }

  async #unload(entry: OpenRoom, room: Room): Promise<void> {
    if (entry.users > 0 || this.#open.get(room.id) !== entry) return
    if (room.isIdle) await room.fold()
    // Someone may have come while it was folded; and what is not stored stays in memory.
    if (entry.users > 0 || this.#open.get(room.id) !== entry) return
    if (!room.isIdle) {
      this.#unloadLater(entry, room)
      return
    }
    this.#open.delete(room.id)
    if (entry.cancelDerive) {
      entry.cancelDerive()
      await this.#derive(room)
    }
    room.close()
  }

  async #load(pipelineId: string): Promise<Room> {
    const { db, clock, log, storeOf } = this.#deps
    const room: Room = new Room({
      id: pipelineId,
      store: storeOf?.(pipelineId) ?? {
        read: (after) => readDraft(db.em(), pipelineId, after),
        append: (head, update) => appendUpdate(db, pipelineId, head, update),
        fold: (seq, state) => foldUpdates(db, pipelineId, seq, state),
      },
      decoder: this.#decoder,
      clock,
      log,
      onStored: (seq, touched) => {
        this.#deps.bus.publish('doc.changed', { pipelineId, seq, from: this.#instance, touched })
        this.#deriveLater(room)
      },
      onGone: () => this.#dropHere(pipelineId),
      tellAll: (notice) => this.announce(pipelineId, notice),
      sharePresence: (states, ask) => {
        for (const part of bundles(states)) {
          this.#deps.bus.publish('doc.presence', { pipelineId, from: this.#instance, states: part, ask })
        }
      },
    })
    try {
      if (!(await room.catchUp())) throw notFound('pipeline', pipelineId)
      return room
    } catch (error) {
      room.close()
      throw error
    }
  }

  /** The row in the list follows the document, at most this often. */
  #deriveLater(room: Room): void {
    const entry = this.#open.get(room.id)
    if (!entry || entry.cancelDerive) return
    entry.cancelDerive = this.#deps.clock.setTimer(deriveMs, () => {
      entry.cancelDerive = undefined
      void this.#derive(room)
    })
  }

  async #derive(room: Room): Promise<void> {
    const { db, clock, log, workers } = this.#deps
    try {
      const draft = await workers.run(draftTasks, 'nameDraft', [...room.updates], room.id)
      const { nameTaken } = await deriveDraft(db, room.id, draft, clock.now())
      if (nameTaken) this.announce(room.id, { case: 'nameTaken', value: { name: draft.name } })
    } catch (error) {
      log.warn({ err: error, pipelineId: room.id }, 'a pipeline was not told of its draft')
    }
  }

  async #catchUp(room: Room): Promise<void> {
    try {
      if (!(await room.catchUp())) this.#dropHere(room.id)
    } catch (error) {
      this.#deps.log.warn({ err: error, pipelineId: room.id }, 'a draft could not be read again')
    }
  }

  async #sweepRooms(): Promise<void> {
    const rooms = [...this.#open.values()].flatMap(({ room }) => room ?? [])
    if (rooms.length === 0) return
    const heads = await readHeads(
      this.#deps.db.em(),
      rooms.map(({ id }) => id),
    )
    for (const room of rooms) {
      const head = heads.get(room.id)
      if (head === undefined) this.#dropHere(room.id)
      else if (head > room.seq) await this.#catchUp(room)
    }
  }

  async #use<T>(pipelineId: string, work: (room: Room) => Promise<T>): Promise<T> {
    const room = await this.acquire(pipelineId)
    try {
      if (!(await room.catchUp())) {
        this.#dropHere(pipelineId)
        throw notFound('pipeline', pipelineId)
      }
      return await work(room)
    } finally {
      this.release(room)
    }
  }

  async #flush(room: Room): Promise<void> {
    let cancel: (() => void) | undefined
    const limit = new Promise<'late'>((resolve) => {
      cancel = this.#deps.clock.setTimer(flushLimitMs, () => resolve('late'))
    })
    const outcome = await Promise.race([room.flush(), limit])
    cancel?.()
    if (outcome === 'late') throw new AppError('unavailable', 'The draft cannot be stored at the moment. Try again.')
  }

  async updates(pipelineId: string): Promise<Uint8Array[]> {
    if (!this.#open.has(pipelineId)) {
      const stored = await this.#read(pipelineId)
      if (stored.updates.length <= mostUnfolded) return stored.updates
    }
    return this.#use(pipelineId, async (room) => {
      await this.#flush(room)
      return [...room.updates]
    })
  }

  async stored(pipelineId: string): Promise<StoredDraft> {
    if (this.#open.has(pipelineId)) await this.#use(pipelineId, (room) => this.#flush(room))
    const stored = await this.#read(pipelineId)
    // A room that closes folds them into one.
    if (stored.updates.length > mostUnfolded && !this.#open.has(pipelineId)) await this.#use(pipelineId, async () => {})
    return stored
  }

  async append(pipelineId: string, seq: number, change: Uint8Array): Promise<boolean> {
    if (!(await appendUpdate(this.#deps.db, pipelineId, seq, change))) return false
    // From none of the controllers: who has it open, here too, shall read on.
    this.#deps.bus.publish('doc.changed', { pipelineId, seq: seq + 1, from: '', touched: [] })
    return true
  }

  async #read(pipelineId: string): Promise<StoredDraft> {
    const stored = await readDraft(this.#deps.db.em(), pipelineId)
    if (!stored) throw notFound('pipeline', pipelineId)
    return stored
  }

  announce(pipelineId: string, notice: DraftNotice): void {
    this.#open.get(pipelineId)?.room?.announce(notice)
    this.#deps.bus.publish('doc.notice', { pipelineId, from: this.#instance, notice })
  }

  drop(pipelineId: string): void {
    this.#dropHere(pipelineId)
    this.#deps.bus.publish('doc.gone', { pipelineId, from: this.#instance })
  }

  #dropHere(pipelineId: string): void {
    const entry = this.#open.get(pipelineId)
    if (!entry) return
    this.#open.delete(pipelineId)
    entry.cancelUnload?.()
    entry.cancelDerive?.()
    void entry.loading.then(
      (room) => {
        for (const peer of room.peers()) peer.drop(goneRefusal)
        room.close()
      },
      () => undefined,
    )
  }

  /** Stores what can be stored within some seconds, then closes everything. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const end of this.#unsubscribe) end()
    await this.#sweep.stop()
    await Promise.all(
      [...this.#open.values()].map(async (entry) => {
        entry.cancelUnload?.()
        const room = await entry.loading.catch(() => undefined)
        if (!room) return
        await this.#flush(room).catch((error: unknown) => {
          this.#deps.log.error({ err: error, pipelineId: room.id }, 'a draft is lost: it could not be stored in time')
        })
        if (entry.cancelDerive) {
          entry.cancelDerive()
          await this.#derive(room)
        }
        room.close()
      }),
    )
    this.#open.clear()
    await this.#decoder.stop()
  }
}
