import * as encoding from 'lib0/encoding'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { type ManualClock, manualClock } from '../../platform/clock.ts'
import type { Identity, SharedState } from './presence.ts'
import { bundles } from './presence.ts'
import { RoomPresence } from './room-presence.ts'

const ada: Identity = { id: 'ada', name: 'Ada', color: 1 }
const eve: Identity = { id: 'eve', name: 'Eve', color: 2 }

/** A person's browser, as y-protocols keeps presence. */
class Browser {
  readonly awareness = new Awareness(new Y.Doc())
  readonly identity: Identity
  constructor(identity: Identity) {
    this.identity = identity
    this.set({})
  }
  set(state: object): void {
    this.awareness.setLocalState(state as Record<string, unknown>)
  }
  get message(): Uint8Array {
    return encodeAwarenessUpdate(this.awareness, [this.awareness.clientID])
  }
  /** What this person sees of another one. */
  sees(other: Browser): Record<string, unknown> | undefined {
    return this.awareness.getStates().get(other.awareness.clientID)
  }
}

/** Controllers with one document, joined by a bus that can be cut. */
class Cluster {
  readonly clock: ManualClock = manualClock()
  readonly controllers = new Map<string, { presence: RoomPresence; browsers: Set<Browser>; sent: number[] }>()
  readonly cut = new Set<string>()

  add(name: string): RoomPresence {
    const browsers = new Set<Browser>()
    const sent: number[] = []
    const presence = new RoomPresence({
      clock: this.clock,
      send: (update) => {
        for (const { awareness } of browsers) applyAwarenessUpdate(awareness, update, 'server')
      },
      share: (states, ask) => {
        sent.push(this.clock.now().getTime())
        for (const [other, { presence: there, browsers: people }] of this.controllers) {
          if (other === name || this.cut.has(name) || this.cut.has(other) || people.size === 0) continue
          there.receiveShared(name, states as SharedState[], ask)
        }
      },
    })
    this.controllers.set(name, { presence, browsers, sent })
    return presence
  }

  join(name: string, browser: Browser): void {
    const { presence, browsers } = this.controllers.get(name)!
    browsers.add(browser)
    if (browsers.size === 1) presence.open()
    const present = presence.all()
    if (present) applyAwarenessUpdate(browser.awareness, present, 'server')
    this.say(name, browser)
  }

  say(name: string, browser: Browser): void {
    this.controllers.get(name)!.presence.receive(browser, browser.identity, browser.message)
    this.clock.advance(100)
  }

  leave(name: string, browser: Browser): void {
    const { presence, browsers } = this.controllers.get(name)!
    browsers.delete(browser)
    presence.leave(browser)
    if (browsers.size === 0) presence.close()
    this.clock.advance(100)
  }

  /** kill -9: nothing is said any more, its people's sockets are gone. */
  kill(name: string): void {
    this.controllers.get(name)!.presence.stop()
    this.controllers.delete(name)
  }
}

let cluster: Cluster
let a: Browser
let e: Browser
beforeEach(() => {
  cluster = new Cluster()
  cluster.add('one')
  cluster.add('two')
  a = new Browser(ada)
  e = new Browser(eve)
})
afterEach(() => {
  for (const { awareness } of [a, e]) awareness.destroy()
})

describe('presence over controllers', () => {
  it('shows people of another controller, also those who were there first', () => {
    a.set({ cur: [1, 2] })
    cluster.join('one', a)
    cluster.join('two', e)
    expect(e.sees(a)).toEqual({ cur: [1, 2], u: ada })
    e.set({ cur: [3, 4] })
    cluster.say('two', e)
    expect(a.sees(e)).toEqual({ cur: [3, 4], u: eve })
    cluster.leave('two', e)
    expect(a.sees(e)).toBeUndefined()
  })

  it('lets the people of a killed controller vanish after a while, and come back through another', () => {
    cluster.join('one', a)
    cluster.join('two', e)
    cluster.kill('one')
    cluster.clock.advance(10_000)
    expect(e.sees(a)).toBeDefined()
    cluster.clock.advance(11_000)
    expect(e.sees(a)).toBeUndefined()
    // As the console does on every new connection: a newer state.
    a.set({ cur: [5, 6] })
    cluster.join('two', a)
    expect(e.sees(a)).toEqual({ cur: [5, 6], u: ada })
  })

  it('goes on without a gap when someone changes controllers before the old connection is known to be gone', () => {
    cluster.join('one', a)
    cluster.join('two', e)
    a.set({ cur: [7, 8] })
    cluster.join('two', a)
    expect(e.sees(a)).toEqual({ cur: [7, 8], u: ada })
    cluster.leave('one', a)
    cluster.clock.advance(30_000)
    expect(e.sees(a)).toEqual({ cur: [7, 8], u: ada })
  })

  it('stays while a controller has nothing new to say, and outlives a bus that was away for a moment', () => {
    cluster.join('one', a)
    cluster.join('two', e)
    cluster.cut.add('one')
    cluster.clock.advance(6000)
    cluster.cut.clear()
    cluster.clock.advance(60_000)
    expect(e.sees(a)).toBeDefined()
    expect(a.sees(e)).toBeDefined()
  })

  it('gives nobody the place of somebody else', () => {
    a.set({ cur: [1, 1] })
    cluster.join('one', a)
    const thief = new Browser(eve)
    thief.awareness.clientID = a.awareness.clientID
    for (let n = 0; n < 5; n += 1) thief.set({ cur: [n, n] })
    e.set({})
    cluster.join('two', e)
    cluster.join('two', thief)
    expect(e.sees(a)).toEqual({ cur: [1, 1], u: ada })
    thief.awareness.destroy()
  })

  it('is told to others at most fifteen times a second', () => {
    cluster.join('one', a)
    cluster.join('two', e)
    const { presence, sent } = cluster.controllers.get('one')!
    sent.length = 0
    for (let n = 0; n < 200; n += 1) {
      a.set({ cur: [n, n] })
      presence.receive(a, ada, a.message)
      cluster.clock.advance(5)
    }
    expect(sent.length).toBeLessThanOrEqual(16)
    expect(sent.length).toBeGreaterThan(10)
  })

  it('takes no state over 8 KiB and no more than four clients of one connection', () => {
    a.set({ cur: 'x'.repeat(9000) })
    cluster.join('one', a)
    cluster.join('two', e)
    expect(e.sees(a)).toBeUndefined()
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, 10)
    for (let client = 1; client <= 10; client += 1) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarString(encoder, '{}')
    }
    cluster.controllers.get('one')!.presence.receive(a, ada, encoding.toUint8Array(encoder))
    cluster.clock.advance(100)
    expect([...e.awareness.getStates().keys()].filter((client) => client <= 10)).toEqual([1, 2, 3, 4])
  })
})

it('what controllers tell each other is cut into pieces that a message can carry', () => {
  const states = Array.from({ length: 100 }, (_, client) => ({ client, clock: 1, json: 'x'.repeat(8000), userId: 'u' }))
  const parts = bundles(states)
  expect(parts.flat()).toEqual(states)
  expect(Math.max(...parts.map((part) => JSON.stringify(part).length))).toBeLessThan(300_000)
  expect(bundles([])).toEqual([[]])
})
