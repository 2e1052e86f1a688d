// Owns who is in a document and where: awareness states by client, stamped with who really sent them, sent on in bundles.
// People on other controllers are among them for as long as their controller says so.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { decodeUtf8 } from 'lib0/string'

export interface Identity {
  id: string
  name: string
  /** Index into the console's ten colours for people. */
  color: number
}

/** One client's state, as controllers tell each other. */
export interface SharedState {
  client: number
  clock: number
  /** JSON, stamped by the controller that has the connection; "null": gone. */
  json: string
  userId: string
}

/** Another controller with people in the document: the owner of their states. */
class Elsewhere {}

interface State extends SharedState {
  owner: object
  /** When another controller last said that it is there. */
  heardAt: number
}

/** Bytes of one state: names, a selection, a cursor. */
const stateLimit = 4 * 1024
/** In one message: a client also says again what it heard of others. */
const statesLimit = 1000
const bundleLimit = 256 * 1024
const clientsOfOnePeer = 4
const colors = 10

export function identityOf(user: { userId: string; name: string }): Identity {
  let sum = 0
  for (const char of user.userId) sum = (sum * 31 + char.charCodeAt(0)) >>> 0
  return { id: user.userId, name: user.name, color: sum % colors }
}

/** In pieces that a message between controllers can carry; one empty piece for nothing. */
export function bundles(states: readonly SharedState[]): SharedState[][] {
  const parts: SharedState[][] = [[]]
  let size = 0
  for (const state of states) {
    if (size + state.json.length > bundleLimit) {
      parts.push([])
      size = 0
    }
    parts.at(-1)?.push(state)
    size += state.json.length
  }
  return parts
}

export class Presence {
  readonly #states = new Map<number, State>()
  /** Of each owner, with those that have ended and were not sent on yet. */
  readonly #clients = new Map<object, Set<number>>()
  readonly #changed = new Set<number>()
  readonly #elsewhere = new Map<string, Elsewhere>()
  readonly #schedule: () => void

  /** `schedule` is called when there is something to send; it answers later by `takeChanges`. */
  constructor(schedule: () => void) {
    this.#schedule = schedule
  }

  /** Takes a peer's own states; throws on a malformed update. Other people's states in it are left out. */
  receive(owner: object, identity: Identity, update: Uint8Array): void {
    const decoder = decoding.createDecoder(update)
    const count = decoding.readVarUint(decoder)
    if (count > statesLimit) throw new Error(`A message has at most ${statesLimit} states.`)
    for (let n = 0; n < count; n += 1) {
      const client = decoding.readVarUint(decoder)
      const clock = decoding.readVarUint(decoder)
      const bytes = decoding.readVarUint8Array(decoder)
      const present = this.#states.get(client)
      if (bytes.length > stateLimit || (present && !mayReplace(present, identity))) continue
      const own = this.#clients.get(owner)
      if (own && !own.has(client) && own.size >= clientsOfOnePeer) continue
      const state: unknown = JSON.parse(decodeUtf8(bytes))
      const isState = typeof state === 'object' && state !== null && !Array.isArray(state)
      const stamped = isState ? JSON.stringify({ ...state, u: identity }) : 'null'
      this.#set({ client, clock, json: stamped, userId: identity.id, owner, heardAt: 0 })
    }
  }

  /** Takes what another controller says of its own people. */
  receiveShared(from: string, states: readonly SharedState[], now: number): void {
    const owner = this.#elsewhere.get(from) ?? new Elsewhere()
    this.#elsewhere.set(from, owner)
    for (const state of states) {
      const present = this.#states.get(state.client)
      if (present?.owner === owner) present.heardAt = now
      this.#set({ ...state, owner, heardAt: now })
    }
  }

  /** People of controllers that have said nothing since `heardSince` are gone with them. */
  expire(heardSince: number): void {
    for (const state of this.#states.values()) {
      if (this.#isElsewhere(state) && state.heardAt < heardSince) this.#end(state)
    }
  }

  forgetElsewhere(): void {
    for (const [client, state] of this.#states) {
      if (!this.#isElsewhere(state)) continue
      this.#states.delete(client)
      this.#disown(state)
      this.#changed.delete(client)
    }
    this.#elsewhere.clear()
  }

  #isElsewhere({ owner }: State): boolean {
    return owner instanceof Elsewhere
  }

  #set(next: State): void {
    const present = this.#states.get(next.client)
    if (present && present.json !== 'null' && present.owner !== next.owner) {
      // A person who comes back may be quicker than the end of their former connection; nobody else takes their place.
      if (present.userId !== next.userId || next.json === 'null' || next.clock < present.clock) return
    } else if (present && present.clock >= next.clock && !(present.clock === next.clock && next.json === 'null')) {
      return
    } else if (next.json === 'null' && !present) {
      return
    }
    if (present && present.owner !== next.owner) this.#disown(present)
    this.#states.set(next.client, next)
    const clients = this.#clients.get(next.owner)
    if (clients) clients.add(next.client)
    else this.#clients.set(next.owner, new Set([next.client]))
    this.#touch(next.client)
  }

  #disown({ owner, client }: State): void {
    const clients = this.#clients.get(owner)
    if (clients?.delete(client) && clients.size === 0) this.#clients.delete(owner)
  }

  #touch(client: number): void {
    if (this.#changed.size === 0) this.#schedule()
    this.#changed.add(client)
  }

  /** A peer has gone: so have its states. */
  leave(owner: object): void {
    for (const client of [...(this.#clients.get(owner) ?? [])]) {
      const state = this.#states.get(client)
      if (state) this.#end(state)
    }
  }

  /** With the clock it has: a client that comes back goes on from there. */
  #end(state: State): void {
    if (state.json === 'null') return
    this.#states.set(state.client, { ...state, json: 'null' })
    this.#touch(state.client)
  }

  /** Everyone who is there; undefined: nobody. */
  all(): Uint8Array | undefined {
    const there = [...this.#states.values()].filter(({ json }) => json !== 'null')
    return there.length === 0 ? undefined : encode(there)
  }

  /** Everyone who is there by a connection of this controller. */
  own(): SharedState[] {
    return [...this.#states.values()]
      .filter((state) => state.json !== 'null' && !this.#isElsewhere(state))
      .map(({ client, clock, json, userId }) => ({ client, clock, json, userId }))
  }

  /** What changed since last asked, for peers, and the part of it that other controllers do not know. */
  takeChanges(): { update: Uint8Array; own: SharedState[] } | undefined {
    const states = [...this.#changed].flatMap((client) => this.#states.get(client) ?? [])
    this.#changed.clear()
    if (states.length === 0) return undefined
    for (const state of states) {
      if (state.json !== 'null') continue
      this.#states.delete(state.client)
      this.#disown(state)
    }
    const own = states
      .filter((state) => !this.#isElsewhere(state))
      .map(({ client, clock, json, userId }) => ({ client, clock, json, userId }))
    return { update: encode(states), own }
  }
}

/** Nobody takes the place of somebody else who is there. */
function mayReplace({ json, userId }: State, identity: Identity): boolean {
  return json === 'null' || userId === identity.id
}

function encode(states: readonly SharedState[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, states.length)
  for (const { client, clock, json } of states) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarString(encoder, json)
  }
  return encoding.toUint8Array(encoder)
}
