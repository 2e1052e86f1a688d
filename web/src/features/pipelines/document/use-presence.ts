// Who else is here: where they point, what they have selected, which field they are in, what they drag, whom one follows.

import { computed, onScopeDispose, type Ref, ref, type ShallowRef, shallowReactive, shallowRef } from 'vue'
import type { Awareness } from 'y-protocols/awareness'
import { initials, whoIndex } from '../../../ui/person.ts'

export interface Person {
  clientId: number
  userId: string
  name: string
  initials: string
  /** For the attribute data-who, which gives --w. */
  who: number
  mode: 'edit' | 'view'
  idle: boolean
  /** Other tabs of the same person. */
  tabs: number
  viewport: readonly [number, number, number] | undefined
}

export interface RemoteDrag {
  ids: readonly string[]
  dx: number
  dy: number
}

interface PersonState {
  u?: { id?: string; name?: string }
  mode?: 'edit' | 'view'
  cur?: [number, number] | null
  sel?: string[]
  field?: { node: string; path: string } | null
  drag?: RemoteDrag | null
  vp?: [number, number, number]
  at?: number
}

export interface Presence {
  people: Readonly<ShallowRef<readonly Person[]>>
  /** Cursors by client, in canvas places; absent when still or away. */
  cursors: Map<number, { person: Person; x: number; y: number }>
  selections: Map<string, readonly Person[]>
  /** By "node/path"; the path of the pipeline's own settings has an empty node. */
  fields: Map<string, Person>
  drags: Map<number, RemoteDrag>
  following: Ref<number | undefined>
  me: { userId: string; name: string }
  /** Of someone who is or was here while this page was open. */
  nameOf(userId: string): string | undefined
  pointAt(place: { x: number; y: number } | null): void
  select(ids: readonly string[]): void
  enterField(node: string, path: string): void
  leaveField(): void
  drag(drag: RemoteDrag | null): void
  look(x: number, y: number, zoom: number): void
  follow(clientId: number | undefined): void
}

const sendEveryMs = 67
const stillAfterMs = 10_000
const idleAfterMs = 60_000
const awayAfterMs = 300_000

export function usePresence(
  awareness: Awareness,
  me: { userId: string; name: string },
  canEdit: Readonly<Ref<boolean>>,
): Presence {
  const people = shallowRef<readonly Person[]>([])
  const cursors: Presence['cursors'] = shallowReactive(new Map())
  const selections: Presence['selections'] = shallowReactive(new Map())
  const fields: Presence['fields'] = shallowReactive(new Map())
  const drags: Presence['drags'] = shallowReactive(new Map())
  const following = ref<number>()
  const names = new Map([[me.userId, me.name]])
  const moved = new Map<number, { place: string; at: number }>()

  function read(): void {
    const now = Date.now()
    const found = new Map<string, Person>()
    const selected = new Map<string, Person[]>()
    const inField = new Map<string, Person>()
    const seen = new Set<number>()
    for (const [clientId, raw] of awareness.getStates()) {
      if (clientId === awareness.clientID) continue
      const state = raw as PersonState
      const userId = state.u?.id ?? String(clientId)
      const quiet = now - (state.at ?? now)
      const name = state.u?.name ?? '?'
      if (state.u?.id) names.set(state.u.id, name)
      const person: Person = {
        clientId,
        userId,
        name,
        initials: initials(name),
        who: whoIndex(userId),
        mode: state.mode ?? 'view',
        idle: quiet > idleAfterMs,
        tabs: 1,
        viewport: state.vp,
      }
      const known = found.get(userId)
      if (known) known.tabs++
      else if (userId !== me.userId) found.set(userId, person)
      if (quiet > awayAfterMs) continue
      seen.add(clientId)
      for (const id of state.sel ?? []) {
        const there = selected.get(id) ?? []
        // Two tabs of one person are one mark.
        if (!there.some((other) => other.userId === userId)) selected.set(id, [...there, person])
      }
      if (state.field) inField.set(`${state.field.node}/${state.field.path}`, person)
      readCursor(person, state, now)
      if (state.drag) drags.set(clientId, state.drag)
      else drags.delete(clientId)
    }
    for (const clientId of [...cursors.keys(), ...drags.keys()]) {
      if (seen.has(clientId)) continue
      cursors.delete(clientId)
      drags.delete(clientId)
    }
    people.value = [...found.values()]
    replace(selections, selected)
    replace(fields, inField)
  }

  function readCursor(person: Person, state: PersonState, now: number): void {
    const place = state.cur ? `${state.cur[0]},${state.cur[1]}` : ''
    const last = moved.get(person.clientId)
    if (last?.place !== place) moved.set(person.clientId, { place, at: now })
    const still = now - (moved.get(person.clientId)?.at ?? now)
    if (!state.cur || still > stillAfterMs) cursors.delete(person.clientId)
    else if (last?.place !== place || !cursors.has(person.clientId))
      cursors.set(person.clientId, { person, x: state.cur[0], y: state.cur[1] })
  }

  // Cursor, drag and viewport go out together, at most fifteen times a second; the rest at once.
  let waiting: Partial<PersonState> = {}
  let timer: ReturnType<typeof setTimeout> | undefined
  let lastSent = 0
  const mine: PersonState = {
    u: { id: me.userId, name: me.name },
    mode: 'view',
    cur: null,
    sel: [],
    field: null,
    drag: null,
  }

  function sendNow(part: Partial<PersonState>): void {
    clearTimeout(timer)
    timer = undefined
    Object.assign(mine, waiting, part, { mode: canEdit.value ? 'edit' : 'view', at: Date.now() })
    waiting = {}
    lastSent = performance.now()
    const before = awareness.getLocalState() ?? {}
    awareness.setLocalState({ ...before, ...mine })
  }

  function sendSoon(part: Partial<PersonState>): void {
    Object.assign(waiting, part)
    timer ??= setTimeout(() => sendNow({}), Math.max(0, sendEveryMs - (performance.now() - lastSent)))
  }

  awareness.on('change', read)
  const clock = setInterval(read, 5_000)
  sendNow({})
  onScopeDispose(() => {
    clearInterval(clock)
    clearTimeout(timer)
    awareness.off('change', read)
  })

  let pointed: { x: number; y: number } | null = null
  return {
    people: computed(() => people.value) as Presence['people'],
    cursors,
    selections,
    fields,
    drags,
    following,
    me,
    nameOf: (userId) => names.get(userId),
    pointAt(place) {
      if (place && pointed && Math.hypot(place.x - pointed.x, place.y - pointed.y) < 2) return
      pointed = place
      sendSoon({ cur: place ? [Math.round(place.x), Math.round(place.y)] : null })
    },
    select: (ids) => sendNow({ sel: ids.slice(0, 50) }),
    enterField: (node, path) => sendNow({ field: { node, path } }),
    leaveField: () => sendNow({ field: null }),
    drag: (drag) => (drag ? sendSoon({ drag }) : sendNow({ drag: null })),
    look: (x, y, zoom) => sendSoon({ vp: [Math.round(x), Math.round(y), Math.round(zoom * 1000) / 1000] }),
    follow: (clientId) => {
      following.value = clientId
    },
  }
}

function replace<K, V>(map: Map<K, V>, next: ReadonlyMap<K, V>): void {
  for (const key of [...map.keys()]) if (!next.has(key)) map.delete(key)
  for (const [key, value] of next) {
    const old = map.get(key)
    if (JSON.stringify(old) !== JSON.stringify(value)) map.set(key, value)
  }
}
