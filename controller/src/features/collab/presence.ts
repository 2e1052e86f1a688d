// Owns who is in a document and where: awareness states by client, stamped with who really sent them, sent on in bundles.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

export interface Identity {
  id: string
  name: string
  /** Index into the console's ten colours for people. */
  color: number
}

interface State {
  clock: number
  /** JSON; "null": gone. */
  json: string
  owner: object
}

const stateLimit = 8 * 1024
const clientsOfOnePeer = 4
const colors = 10

export function identityOf(user: { userId: string; name: string }): Identity {
  let sum = 0
  for (const char of user.userId) sum = (sum * 31 + char.charCodeAt(0)) >>> 0
  return { id: user.userId, name: user.name, color: sum % colors }
}

export class Presence {
  readonly #states = new Map<number, State>()
  readonly #changed = new Set<number>()
  readonly #schedule: () => void

  /** `schedule` is called when there is something to send; it answers later by `takeChanges`. */
  constructor(schedule: () => void) {
    this.#schedule = schedule
  }

  /** Takes a peer's own states; throws on a malformed update. Other people's states in it are left out. */
  receive(owner: object, identity: Identity, update: Uint8Array): void {
    const decoder = decoding.createDecoder(update)
    const count = decoding.readVarUint(decoder)
    for (let n = 0; n < count; n += 1) {
      const client = decoding.readVarUint(decoder)
      const clock = decoding.readVarUint(decoder)
      const json = decoding.readVarString(decoder)
      if (json.length <= stateLimit) this.#set(owner, identity, client, clock, json)
    }
  }

  #set(owner: object, identity: Identity, client: number, clock: number, json: string): void {
    const present = this.#states.get(client)
    if (present && present.json !== 'null' && present.owner !== owner) return
    if (present && present.clock >= clock && !(present.clock === clock && json === 'null')) return
    if (!present && this.#clientsOf(owner) >= clientsOfOnePeer) return
    const state: unknown = JSON.parse(json)
    const isState = typeof state === 'object' && state !== null && !Array.isArray(state)
    const stamped = isState ? JSON.stringify({ ...state, u: identity }) : 'null'
    this.#states.set(client, { clock, json: stamped, owner })
    this.#touch(client)
  }

  #clientsOf(owner: object): number {
    let count = 0
    for (const state of this.#states.values()) if (state.owner === owner && state.json !== 'null') count += 1
    return count
  }

  #touch(client: number): void {
    if (this.#changed.size === 0) this.#schedule()
    this.#changed.add(client)
  }

  /** A peer has gone: so have its states. */
  leave(owner: object): void {
    for (const [client, state] of this.#states) {
      if (state.owner !== owner || state.json === 'null') continue
      this.#states.set(client, { ...state, clock: state.clock + 1, json: 'null' })
      this.#touch(client)
    }
  }

  /** Everyone who is there; undefined: nobody. */
  all(): Uint8Array | undefined {
    const there = [...this.#states].filter(([, { json }]) => json !== 'null').map(([client]) => client)
    return there.length === 0 ? undefined : this.#encode(there)
  }

  /** What changed since last asked; states that ended are forgotten after. */
  takeChanges(): Uint8Array | undefined {
    if (this.#changed.size === 0) return undefined
    const clients = [...this.#changed]
    this.#changed.clear()
    const update = this.#encode(clients)
    for (const client of clients) if (this.#states.get(client)?.json === 'null') this.#states.delete(client)
    return update
  }

  #encode(clients: readonly number[]): Uint8Array {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, clients.length)
    for (const client of clients) {
      const state = this.#states.get(client) as State
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, state.clock)
      encoding.writeVarString(encoder, state.json)
    }
    return encoding.toUint8Array(encoder)
  }
}
