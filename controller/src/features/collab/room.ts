// Owns one open document: what its peers send goes in after the check, out to the others, and into the database; what is
// committed is told to everyone. Knows neither sockets nor rights.
import type { CollabTold } from '@ansflow/proto/gen/ansflow/v1/collab_pb'
import pLimit, { type LimitFunction } from 'p-limit'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { DraftNotice } from '../pipelines/index.ts'
import { Authors, type Touched } from './authors.ts'
import type { Decoder } from './decoder.ts'
import { LiveDocument } from './live-document.ts'
import {
  askStateMessage,
  type ClientMessage,
  ours,
  presenceMessage,
  type Refusal,
  stateMessage,
  updateMessage,
} from './messages.ts'
import type { Identity, SharedState } from './presence.ts'
import { RoomLog, type RoomStore } from './room-log.ts'
import { RoomPresence } from './room-presence.ts'

/** One connection of one person. */
export interface Peer {
  readonly identity: Identity
  mayEdit: boolean
  send(message: Uint8Array): void
  /** Ends the connection, after what was sent. */
  drop(refusal: Refusal): void
  /** Counts work done for this person as if they had sent so many bytes. */
  spend(bytes: number): void
}

export interface RoomDeps {
  id: string
  store: RoomStore
  decoder: Decoder
  clock: Clock
  log: Logger
  /** A batch was committed as number `seq`; it changed these steps. */
  onStored(seq: number, touched: Touched): void
  /** The document is no longer in the database. */
  onGone(): void
  /** For the same document's rooms on other controllers. `ask`: they shall say who is there. */
  sharePresence(states: SharedState[], ask: boolean): void
  /** For everyone who has the document open, on other controllers too. */
  tellAll(notice: DraftNotice): void
}

const aliveMs = 20_000
/** One person tells the others something at most this often. */
const tellMs = 1000
/** What a byte of the document costs to write down, beside one that comes in. */
const stateCost = 1 / 4
/** Steps that one batch says the authors of; of a whole file that was applied nobody needs to know. */
const mostAuthors = 1000

interface PeerState {
  /** Document messages received, and how many of them are committed or refused. */
  received: number
  settled: number
  /** Document messages of one peer are taken one after the other. */
  queue: LimitFunction
  /** The last state vector it asked with, while it waits for that; and whether it is being answered. */
  asked: Uint8Array | undefined
  isAnswered: boolean
  /** When it last had something to tell the others. */
  toldAt: number
}

export class Room {
  readonly id: string
  readonly #deps: RoomDeps
  readonly #peers = new Map<Peer, PeerState>()
  readonly #presence: RoomPresence
  readonly #authors = new Authors()
  readonly #live: LiveDocument
  readonly #log: RoomLog
  /** Messages that wait for the next commit. */
  #unsettled: { state: PeerState; number: number }[] = []
  /** Messages on their way through the check. */
  #taking = 0
  #closed = false
  #stopTimers: (() => void)[] = []

  constructor(deps: RoomDeps) {
    this.id = deps.id
    this.#deps = deps
    this.#presence = new RoomPresence({
      clock: deps.clock,
      send: (update) => this.#toAll(presenceMessage(update)),
      share: (states, ask) => deps.sharePresence(states, ask),
    })
    this.#live = new LiveDocument({
      ...deps,
      onChange: ({ update, stored, touched }, origin) => {
        this.#toAll(updateMessage(update))
        if (origin === 'store') {
          this.#authors.touchStored(touched)
        } else {
          this.#authors.touch(touched, origin.author)
          this.#log.add(stored)
        }
      },
    })
    this.#log = new RoomLog({
      ...deps,
      live: this.#live,
      onBatch: () => this.#batch(),
      onDrained: () => this.#drained(),
      onRead: (from, to, allStored) => {
        this.#authors.reached(from, to)
        this.#tellAuthors()
        if (allStored) this.#tellStored()
      },
    })
    this.#keepAlive()
  }

  get seq(): number {
    return this.#log.seq
  }

  /** The document, in updates (V2) that are to be applied together. */
  get updates(): readonly Uint8Array[] {
    return this.#live.updates
  }

  /** Some changes are in memory only. */
  get isDirty(): boolean {
    return this.#log.isDirty
  }

  /** Nobody is here, and nothing is under way. */
  get isIdle(): boolean {
    return this.#peers.size === 0 && this.#taking === 0 && !this.isDirty
  }

  peers(): Peer[] {
    return [...this.#peers.keys()]
  }

  /** Reads what others have stored since. Throws when the store does; false when the document is gone. */
  async catchUp(): Promise<boolean> {
    const isThere = await this.#log.catchUp()
    if (this.#log.isLong) void this.fold()
    return isThere
  }

  /** Takes a change (V2) that the server makes for someone, of whom nothing but their id is known here. */
  merge(change: Uint8Array, userId: string): Promise<void> {
    return this.#live.apply([change], { author: userId === '' ? null : { id: userId, name: '' } })
  }

  join(peer: Peer): void {
    if (this.#peers.size === 0) this.#presence.open()
    this.#peers.set(peer, { received: 0, settled: 0, queue: pLimit(1), asked: undefined, isAnswered: false, toldAt: 0 })
    // Only from those who may edit does the server want what it lacks.
    if (peer.mayEdit) peer.send(askStateMessage(this.#live.vector))
    const present = this.#presence.all()
    if (present) peer.send(presenceMessage(present))
    const authors = this.#authors.all()
    if (authors.length > 0) peer.send(authorsMessage(authors))
    peer.send(this.#stored(0))
  }

  leave(peer: Peer): void {
    if (!this.#peers.delete(peer)) return
    this.#presence.leave(peer)
    if (this.#peers.size === 0) this.#presence.close()
  }

  receivePresence(from: string, states: readonly SharedState[], ask: boolean): void {
    if (!this.#closed && this.#peers.size > 0) this.#presence.receiveShared(from, states, ask)
  }

  /** After the peer's `mayEdit` has changed. */
  rightsChanged(peer: Peer): void {
    if (peer.mayEdit) peer.send(askStateMessage(this.#live.vector))
  }

  /** Throws on a malformed message. */
  receive(peer: Peer, message: ClientMessage): void {
    const state = this.#peers.get(peer)
    if (!state || this.#closed) return
    if (message.kind === 'askState') {
      state.asked = message.vector
      if (!state.isAnswered) void this.#tellState(peer, state)
    } else if (message.kind === 'presence') {
      this.#presence.receive(peer, peer.identity, message.update)
    } else if (message.kind === 'askPresence') {
      const present = this.#presence.all()
      if (!present) return
      peer.spend(present.length * stateCost)
      peer.send(presenceMessage(present))
    } else if (message.kind === 'told') {
      this.#tell(peer, state, message.told)
    } else if (message.kind === 'update') {
      state.received += 1
      this.#taking += 1
      const { update, whole } = message
      const number = state.received
      state
        .queue(() => this.#takeUpdate(peer, state, number, update, whole))
        .catch((error: unknown) => this.#deps.log.error({ err: error, pipelineId: this.id }, 'a change was not taken'))
        .finally(() => {
          this.#taking -= 1
        })
    }
  }

  #tell(peer: Peer, state: PeerState, told: CollabTold['kind']): void {
    const now = this.#deps.clock.now().getTime()
    if (told.case !== 'restored' || !peer.mayEdit || now - state.toldAt < tellMs) return
    state.toldAt = now
    const { id, name } = peer.identity
    this.#deps.tellAll({ case: 'restored', value: { version: told.value.version, by: name, userId: id } })
  }

  /** Who asks again before the answer has asked for what came last. */
  async #tellState(peer: Peer, state: PeerState): Promise<void> {
    state.isAnswered = true
    while (state.asked && this.#peers.has(peer)) {
      const vector = state.asked
      state.asked = undefined
      const bytes = await this.#live.lacking(vector, peer.identity.id)
      if (!this.#peers.has(peer)) return
      if ('kind' in bytes) {
        const { code, message } = bytes
        peer.send(ours({ case: 'refused', value: { code, message } }))
        peer.drop({ code, message })
        return
      }
      const answer = stateMessage(bytes)
      peer.spend(answer.length * stateCost)
      peer.send(answer)
    }
    state.isAnswered = false
  }

  async #takeUpdate(peer: Peer, state: PeerState, number: number, update: Uint8Array, whole: boolean): Promise<void> {
    if (isEmpty(update)) {
      this.#settle(peer, state, number)
      return
    }
    if (!peer.mayEdit) {
      this.#refuse(peer, state, number, { code: 'read_only', message: 'You may look at this pipeline, not change it.' })
      return
    }
    const verdict = await this.#live.check(update, {
      author: { id: peer.identity.id, name: peer.identity.name },
      mayStill: () => peer.mayEdit && !this.#closed,
      taken: () => this.#settle(peer, state, number),
    })
    if (this.#closed) return
    if (verdict.kind === 'incomplete' && !whole) {
      // The client has what is missing: its answer to this holds this update too.
      peer.send(askStateMessage(this.#live.vector))
      this.#settle(peer, state, number)
    } else if (verdict.kind === 'incomplete') {
      const message = 'The change builds on something that the server does not have. Reload the page.'
      this.#refuse(peer, state, number, { code: 'malformed', message })
      peer.drop({ code: 'malformed', message })
    } else if (verdict.kind === 'refused') {
      const { code, message } = verdict
      this.#refuse(peer, state, number, { code, message })
      peer.drop({ code, message })
    } else if (verdict.kind === 'tooLate') {
      this.#refuse(peer, state, number, { code: 'read_only', message: 'You may no longer change this pipeline.' })
    }
  }

  #refuse(peer: Peer, state: PeerState, number: number, refusal: Refusal): void {
    peer.send(ours({ case: 'refused', value: refusal }))
    this.#settle(peer, state, number)
  }

  /** Message `number` waits for nothing but the commit of what is in memory now. */
  #settle(peer: Peer, state: PeerState, number: number): void {
    if (this.isDirty) {
      this.#unsettled.push({ state, number })
      return
    }
    state.settled = Math.max(state.settled, number)
    peer.send(this.#stored(state.settled))
  }

  /** Resolves when everything that is in memory now is committed. */
  flush(): Promise<void> {
    return this.#log.flush()
  }

  /** Writes the full state over the updates. */
  fold(): Promise<void> {
    return this.#log.fold()
  }

  #batch(): (seq: number) => void {
    const unsettled = [...this.#unsettled]
    const touched = this.#authors.takeUnstored()
    return (seq) => {
      this.#unsettled = this.#unsettled.slice(unsettled.length)
      for (const { state, number } of unsettled) state.settled = Math.max(state.settled, number)
      this.#tellStored()
      this.#tellAuthors()
      this.#deps.onStored(seq, touched.length > mostAuthors ? [] : touched)
    }
  }

  #drained(): void {
    const last = this.#unsettled
    this.#unsettled = []
    for (const { state, number } of last) state.settled = Math.max(state.settled, number)
    if (last.length > 0) this.#tellStored()
  }

  announce(kind: DraftNotice): void {
    this.#toAll(ours({ case: 'notice', value: { kind } }))
  }

  /** Nothing is saved after this: flush first. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const stop of this.#stopTimers) stop()
    this.#presence.stop()
    this.#log.close()
    this.#live.close()
  }

  #toAll(message: Uint8Array): void {
    for (const peer of this.#peers.keys()) peer.send(message)
  }

  #stored(settled: number): Uint8Array {
    return ours({ case: 'stored', value: { stateVector: this.#log.storedVector, settled } })
  }

  #tellStored(): void {
    for (const [peer, { settled }] of this.#peers) peer.send(this.#stored(settled))
  }

  /** Another controller says which steps the batch changed that it stored as number `seq`. */
  learnAuthors(seq: number, touched: Touched): void {
    this.#authors.learn(seq, touched)
    if (seq === this.#log.seq) this.#authors.reached(seq - 1, seq)
    this.#tellAuthors()
  }

  #tellAuthors(): void {
    const untold = this.#authors.takeUntold()
    if (untold.length > 0) this.#toAll(authorsMessage(untold))
  }

  /** Clients take a connection that says nothing for 30 seconds for dead. */
  #keepAlive(): void {
    this.#after(aliveMs, () => {
      this.#toAll(presenceMessage(new Uint8Array([0])))
      this.#keepAlive()
    })
  }

  #after(ms: number, fire: () => void): void {
    const stop = this.#deps.clock.setTimer(ms, () => {
      this.#stopTimers = this.#stopTimers.filter((other) => other !== stop)
      if (!this.#closed) fire()
    })
    this.#stopTimers.push(stop)
  }
}

/** No structs, no deletions. */
function isEmpty(update: Uint8Array): boolean {
  return update.length === 2 && update[0] === 0 && update[1] === 0
}

function authorsMessage(touched: Touched): Uint8Array {
  const authors = touched.map(([nodeId, author]) => ({
    nodeId,
    userId: author?.id ?? '',
    userName: author?.name ?? '',
  }))
  return ours({ case: 'authors', value: { authors } })
}
