// Owns one socket on a document: queues what comes before the room is open, keeps limits, and turns refusals into close codes.
import { limits } from '@ansflow/proto/limits'
import type { Logger } from '../../platform/log.ts'
import type { Meter } from '../../platform/rate.ts'
import { isWhole, ours, type Refusal, readMessage } from './messages.ts'
import type { Identity } from './presence.ts'
import type { Peer, Room } from './room.ts'

/** What of a WebSocket a connection needs. */
export interface Wire {
  readonly bufferedAmount: number
  send(data: Uint8Array): void
  close(code: number, reason: string): void
  terminate(): void
}

const queueLimit = 200
const messagesPerSecond = 300
const slowReaderBytes = 16 * 1024 * 1024

// From 4400 to 4499 a y-websocket client does not come back by itself: coming back would not help.
const closeCodes: Record<Refusal['code'], number> = {
  read_only: 4403,
  too_large: 4413,
  too_many_steps: 4413,
  malformed: 4400,
  characters: 4400,
  schema: 4409,
  too_slow: 4408,
  too_fast: 4429,
  unavailable: 4404,
}

export class Connection implements Peer {
  readonly identity: Identity
  mayEdit: boolean
  readonly #wire: Wire
  readonly #log: Logger
  /** Bytes of each person over all their connections. */
  readonly #traffic: Meter
  #room: Room | undefined
  #queue: Uint8Array[] = []
  #ended = false
  #second = 0
  #messages = 0

  constructor(wire: Wire, identity: Identity, traffic: Meter, log: Logger) {
    this.#wire = wire
    this.#log = log
    this.#traffic = traffic
    this.identity = identity
    this.mayEdit = false
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  get room(): Room | undefined {
    return this.#room
  }

  join(room: Room, mayEdit: boolean): void {
    this.#room = room
    this.mayEdit = mayEdit
    this.#tellAccess()
    room.join(this)
    const queued = this.#queue
    this.#queue = []
    for (const bytes of queued) this.#take(room, bytes)
  }

  setMayEdit(mayEdit: boolean): void {
    if (this.mayEdit === mayEdit) return
    this.mayEdit = mayEdit
    this.#tellAccess()
    this.#room?.rightsChanged(this)
  }

  #tellAccess(): void {
    this.send(ours({ case: 'access', value: { mayEdit: this.mayEdit } }))
  }

  receive(bytes: Uint8Array, isBinary: boolean): void {
    if (this.#ended) return
    this.spend(bytes.length)
    if (!isBinary) {
      this.end(1003, 'Only binary messages are understood.')
    } else if (bytes.length > limits.changeBytes && !isWhole(bytes)) {
      this.#refuseAndDrop('too_large', `One change can have at most ${limits.changeBytes / 1024} KiB.`)
    } else if (bytes.length > limits.waitingBytes) {
      this.#refuseAndDrop('too_large', `All that waited can have at most ${limits.waitingBytes / 1024} KiB.`)
    } else if (this.#isTooFast()) {
      this.#refuseAndDrop('too_fast', 'Too many changes in one second.')
    } else if (this.#room) {
      this.#take(this.#room, bytes)
    } else if (this.#queue.push(bytes) > queueLimit) {
      this.end(1013, 'The document takes too long to open.')
    }
  }

  #isTooFast(): boolean {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) this.#messages = 0
    this.#second = second
    this.#messages += 1
    return this.#messages > messagesPerSecond || this.#traffic.waitMs(this.identity.id) > 0
  }

  spend(bytes: number): void {
    this.#traffic.spend(this.identity.id, bytes)
  }

  #take(room: Room, bytes: Uint8Array): void {
    try {
      room.receive(this, readMessage(bytes))
    } catch (error) {
      this.#log.debug({ err: error }, 'a malformed message on a document')
      this.#refuseAndDrop('malformed', 'The message could not be read.')
    }
  }

  #refuseAndDrop(code: Refusal['code'], message: string): void {
    this.send(ours({ case: 'refused', value: { code, message } }))
    this.drop({ code, message })
  }

  send(message: Uint8Array): void {
    if (this.#ended) return
    // Who reads too slowly comes back and asks for what is missing, which is less than all of this.
    if (this.#wire.bufferedAmount > slowReaderBytes) {
      this.leave()
      this.#wire.terminate()
      return
    }
    this.#wire.send(message)
  }

  drop({ code, message }: Refusal): void {
    this.end(closeCodes[code], message)
  }

  end(code: number, reason: string): void {
    if (this.#ended) return
    this.leave()
    this.#wire.close(code, reason)
  }

  /** The socket is closed, or about to be. */
  leave(): void {
    this.#ended = true
    this.#queue = []
    this.#room?.leave(this)
  }
}
