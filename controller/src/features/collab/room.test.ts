import { newDoc, setSetting } from '@ansflow/proto/pipeline-doc'
import { afterEach, beforeEach, expect, it } from 'vitest'
import * as Y from 'yjs'
import { waitFor } from '../../../test/wait-for.ts'
import { type ManualClock, manualClock } from '../../platform/clock.ts'
import { createLog } from '../../platform/log.ts'
import { createDecoder, type Decoder } from './decoder.ts'
import type { Peer } from './room.ts'
import { Room } from './room.ts'
import type { RoomStore } from './room-log.ts'
import { changeOf, docOf, toldBy } from './test-client.ts'

const log = createLog('silent')
let decoder: Decoder
let clock: ManualClock
beforeEach(() => {
  decoder = createDecoder(log)
  clock = manualClock()
})
afterEach(async () => {
  await decoder.stop()
})

/** A store in memory that can be made to fail, and to wait. */
function memoryStore() {
  const rows: Uint8Array[] = [Y.encodeStateAsUpdateV2(newDoc())]
  let foldedTo = 0
  const control = {
    failing: false,
    rows,
    get foldedTo() {
      return foldedTo
    },
    attempts: 0,
    gate: undefined as Promise<void> | undefined,
  }
  const store: RoomStore = {
    read: async (after) => ({ seq: rows.length, updates: rows.slice(after) }),
    async append(head, update) {
      control.attempts += 1
      await control.gate
      if (control.failing) throw new Error('The database is away.')
      if (head !== rows.length) return false
      rows.push(update)
      return true
    },
    async fold(seq) {
      foldedTo = seq
    },
  }
  return { store, control }
}

function joinPeer(room: Room): { peer: Peer; settled: () => number; dropped: string[] } {
  let settled = 0
  const dropped: string[] = []
  const peer: Peer = {
    identity: { id: 'u', name: 'U', color: 0 },
    mayEdit: true,
    send(message) {
      const told = toldBy(message)
      if (told?.case === 'stored') settled = told.value.settled
    },
    spend: () => undefined,
    drop: ({ code }) => dropped.push(code),
  }
  room.join(peer)
  return { peer, settled: () => settled, dropped }
}

async function openRoom(store: RoomStore): Promise<Room> {
  const nothing = () => undefined
  const room = new Room({
    id: 'r',
    store,
    decoder,
    clock,
    log,
    onStored: nothing,
    onGone: nothing,
    sharePresence: nothing,
    tellAll: nothing,
  })
  expect(await room.catchUp()).toBe(true)
  return room
}

function change(room: Room, name: string): Uint8Array {
  return Y.convertUpdateFormatV2ToV1(changeOf(room, (doc) => setSetting(doc, 'name', name, { user: 'u' })))
}

function set(room: Room, name: 'name' | 'description', value: string): Promise<void> {
  return room.merge(
    changeOf(room, (doc) => setSetting(doc, name, value, { user: 'x' })),
    'x',
  )
}

const settingsOf = (room: Room) => docOf(room).getMap('settings').toJSON()

it('acknowledges nothing that is not committed, keeps it, and commits it when the store is back', async () => {
  const { store, control } = memoryStore()
  const room = await openRoom(store)
  const { peer, settled } = joinPeer(room)
  control.failing = true
  room.receive(peer, { kind: 'update', update: change(room, 'a'), whole: false })
  await waitFor(() => control.attempts === 1)
  // Another failing attempt comes with time.
  await waitFor(() => {
    clock.advance(100)
    return control.attempts === 2
  })
  expect(settled()).toBe(0)
  expect(room.isDirty).toBe(true)
  expect(settingsOf(room).name).toBe('a')
  control.failing = false
  await waitFor(() => {
    clock.advance(5000)
    return settled() === 1
  })
  expect(control.rows.length).toBe(2)
  const again = await openRoom(store)
  expect(settingsOf(again).name).toBe('a')
  room.close()
  again.close()
})

it('commits what arrives during a commit as one batch', async () => {
  const { store, control } = memoryStore()
  const room = await openRoom(store)
  const { peer, settled } = joinPeer(room)
  let open: () => void = () => undefined
  control.gate = new Promise((resolve) => {
    open = resolve
  })
  await set(room, 'name', 'first')
  await waitFor(() => control.attempts === 1)
  const before = room.updates.length
  for (let n = 0; n < 20; n += 1) {
    room.receive(peer, { kind: 'update', update: change(room, `n${n}`), whole: false })
  }
  await waitFor(() => room.updates.length === before + 20)
  // An empty message in between must not make the ones before it look stored.
  room.receive(peer, { kind: 'update', update: new Uint8Array([0, 0]), whole: true })
  expect(settled()).toBe(0)
  open()
  await waitFor(() => settled() === 21)
  expect(control.rows.length).toBeLessThanOrEqual(4)
  room.close()
})

it('goes on after what another controller appended', async () => {
  const { store, control } = memoryStore()
  const [a, b] = [await openRoom(store), await openRoom(store)]
  await set(a, 'name', 'a')
  await a.flush()
  await set(b, 'description', 'b')
  await b.flush()
  expect(control.rows.length).toBe(3)
  await a.catchUp()
  for (const room of [a, b]) {
    expect(settingsOf(room)).toEqual({ name: 'a', description: 'b' })
    room.close()
  }
})

it('folds after 200 updates, and after a minute', async () => {
  const { store, control } = memoryStore()
  const room = await openRoom(store)
  for (let n = 0; n < 200; n += 1) {
    await set(room, 'name', `n${n}`)
    await room.flush()
  }
  await waitFor(() => control.foldedTo >= 199)
  const folded = control.foldedTo
  clock.advance(61_000)
  await set(room, 'name', 'later')
  await room.flush()
  await waitFor(() => control.foldedTo > folded)
  room.close()
})

it('folds what it found long', async () => {
  const { store, control } = memoryStore()
  for (let n = 0; n < 300; n += 1) {
    control.rows.push(changeOf({ updates: control.rows }, (doc) => doc.getMap('notes').set('n', n)))
  }
  const room = await openRoom(store)
  await waitFor(() => control.foldedTo === 301)
  expect(room.updates.length).toBe(1)
  expect(docOf(room).getMap('notes').get('n')).toBe(299)
  room.close()
})
