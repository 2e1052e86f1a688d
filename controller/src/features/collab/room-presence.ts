// Owns when presence of one document goes out: to its peers in bundles, to other controllers that have it open, and to neither
// any longer when a controller has fallen silent.
import type { Clock } from '../../platform/clock.ts'
import { type Identity, Presence, type SharedState } from './presence.ts'

export interface RoomPresenceDeps {
  clock: Clock
  /** To the peers of this controller: y-protocols' encoding. */
  send(update: Uint8Array): void
  /** To the same document's rooms on other controllers. `ask`: they shall say who is there. */
  share(states: SharedState[], ask: boolean): void
}

/** At most fifteen times a second. */
const sendMs = 67
/** Controllers tell each other this often that their people are still there, and believe it for the longer time. */
const confirmMs = 5000
const believeMs = 15_000

export class RoomPresence {
  readonly #deps: RoomPresenceDeps
  readonly #presence: Presence
  #sentAt = 0
  #cancelSend: (() => void) | undefined
  #cancelConfirm: (() => void) | undefined

  constructor(deps: RoomPresenceDeps) {
    this.#deps = deps
    this.#presence = new Presence(() => {
      const since = this.#now() - this.#sentAt
      this.#cancelSend = deps.clock.setTimer(Math.min(sendMs, Math.max(0, sendMs - since)), () => this.#send())
    })
  }

  #now(): number {
    return this.#deps.clock.now().getTime()
  }

  /** The first peer of this controller has come. */
  open(): void {
    this.#deps.share([], true)
    this.#confirmLater()
  }

  /** The last one has gone. */
  close(): void {
    this.#presence.forgetElsewhere()
    this.#cancelConfirm?.()
  }

  stop(): void {
    this.#cancelSend?.()
    this.#cancelConfirm?.()
  }

  /** Throws on a malformed update. */
  receive(peer: object, identity: Identity, update: Uint8Array): void {
    this.#presence.receive(peer, identity, update)
  }

  /** What another controller says of its people; `ask`: it wants to know ours. */
  receiveShared(from: string, states: readonly SharedState[], ask: boolean): void {
    this.#presence.receiveShared(from, states, this.#now())
    if (ask) this.#shareOwn()
  }

  leave(peer: object): void {
    this.#presence.leave(peer)
  }

  all(): Uint8Array | undefined {
    return this.#presence.all()
  }

  #send(): void {
    this.#sentAt = this.#now()
    const changes = this.#presence.takeChanges()
    if (!changes) return
    // The sender gets its own state back: that is how a y-websocket client sees that the connection lives.
    this.#deps.send(changes.update)
    if (changes.own.length > 0) this.#deps.share(changes.own, false)
  }

  #shareOwn(): void {
    const own = this.#presence.own()
    if (own.length > 0) this.#deps.share(own, false)
  }

  #confirmLater(): void {
    this.#cancelConfirm = this.#deps.clock.setTimer(confirmMs, () => {
      this.#presence.expire(this.#now() - believeMs)
      this.#shareOwn()
      this.#confirmLater()
    })
  }
}
