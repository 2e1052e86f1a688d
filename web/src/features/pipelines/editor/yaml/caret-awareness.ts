// The awareness as the text binding wants it: a person's name and colour under `user`, the caret under `cursor`; and told only
// when a caret changed, because pointers on the canvas move fifteen times a second.
import type { Awareness } from 'y-protocols/awareness'
import { whoIndex } from '../../../../ui/person.ts'

interface Change {
  added: number[]
  updated: number[]
  removed: number[]
}

type Listener = (change: Change, origin: unknown, type: string) => void

export function caretAwareness(awareness: Awareness) {
  const wrapped = new Map<Listener, Listener>()
  const carets = new Map<number, string>()

  function states(): Map<number, Record<string, unknown>> {
    const found = new Map<number, Record<string, unknown>>()
    for (const [client, state] of awareness.getStates()) {
      const person = state['u'] as { id?: string; name?: string } | undefined
      const colour = getComputedStyle(document.documentElement).getPropertyValue(`--who-${whoIndex(person?.id ?? '')}`)
      found.set(client, {
        ...state,
        user: { name: person?.name ?? '?', color: colour.trim(), colorLight: `${colour.trim()}33` },
      })
    }
    return found
  }

  return {
    doc: awareness.doc,
    clientID: awareness.clientID,
    getStates: states,
    getLocalState: () => awareness.getLocalState(),
    setLocalStateField: (field: string, value: unknown) => awareness.setLocalStateField(field, value),
    on(name: 'change', listener: Listener): void {
      const filtered: Listener = (change, origin, type) => {
        const moved = [...change.added, ...change.updated, ...change.removed].filter((client) => {
          const caret = JSON.stringify(awareness.getStates().get(client)?.['cursor'] ?? null)
          const same = carets.get(client) === caret
          carets.set(client, caret)
          return !same
        })
        if (moved.length > 0) listener({ added: [], updated: moved, removed: [] }, origin, type)
      }
      wrapped.set(listener, filtered)
      awareness.on(name, filtered)
    },
    off(name: 'change', listener: Listener): void {
      const filtered = wrapped.get(listener)
      if (filtered) awareness.off(name, filtered)
      wrapped.delete(listener)
    },
  }
}
