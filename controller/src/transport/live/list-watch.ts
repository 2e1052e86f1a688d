// Who follows a list, and what of it changed: told by the bus at once, and found by a slow look at the database where the bus
// lost something. One look serves every socket of this controller.
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'

/** By list, the versions of its things; a thing without a version among them is not there any more. */
export type ListVersions = Map<string, Map<string, string>>

export interface ListWatchOptions {
  clock: Clock
  log: Logger
  /** What it lists, for the log. */
  what: string
  /** Starts telling of changes as the bus does. `version`, where the message has it, saves telling the same twice. */
  subscribe(tell: (listId: string, id: string, version?: string) => void): () => void
  /** What these lists hold now; `known` are the versions of the last look. It may leave out things that rest for good. */
  read(listIds: string[], known: ListVersions): Promise<ListVersions>
}

export interface ListWatch {
  /** Resolves when it is known what the list holds: what changes from then on is told to who listens next. */
  begin(listId: string): Promise<void>
  /** Calls back with the id of whatever changed in the list, until the answer is called. */
  listen(listId: string, changed: (id: string) => void): () => void
  stop(): void
}

interface Entry {
  /** Undefined until the first look: what is found there is news to nobody. */
  known: Map<string, string> | undefined
  /** Told by the bus since the last look. */
  told: Map<string, string>
  listeners: Set<(id: string) => void>
  /** The first look is over. */
  begun: PromiseWithResolvers<void>
}

export const lookEveryMs = 3000

export function createListWatch({ clock, log, what, subscribe, read }: ListWatchOptions): ListWatch {
  const entries = new Map<string, Entry>()
  let cancelTimer: (() => void) | undefined
  let looking = false
  let stopped = false

  const unsubscribe = subscribe((listId, id, version) => {
    const entry = entries.get(listId)
    if (!entry || (version !== undefined && entry.known?.get(id) === version)) return
    if (version !== undefined && entry.listeners.size > 0) entry.told.set(id, version)
    tell(entry, id)
  })

  function entryOf(listId: string): Entry {
    const present = entries.get(listId)
    if (present) return present
    const entry = {
      known: undefined,
      told: new Map(),
      listeners: new Set<never>(),
      begun: Promise.withResolvers<void>(),
    }
    entries.set(listId, entry)
    // The first look of a list says from where on something is a change, so it comes at once.
    cancelTimer?.()
    cancelTimer = undefined
    lookAfter(0)
    return entry
  }

  function tell(entry: Entry, id: string): void {
    for (const changed of entry.listeners) changed(id)
  }

  function lookAfter(ms: number): void {
    if (stopped || looking || cancelTimer || entries.size === 0) return
    cancelTimer = clock.setTimer(ms, () => {
      cancelTimer = undefined
      looking = true
      look()
        .then(() => ([...entries.values()].some(({ known }) => !known) ? 0 : lookEveryMs))
        .catch((error: unknown) => {
          log.warn({ err: error, what }, 'a look for lost messages failed')
          // Who wants to follow waits for a look, not for the database.
          for (const { begun } of entries.values()) begun.resolve()
          return lookEveryMs
        })
        .then((next) => {
          looking = false
          lookAfter(next)
        })
    })
  }

  async function look(): Promise<void> {
    // Begun and then not listened to: whoever asked is gone.
    for (const [listId, { known, listeners }] of entries) if (known && listeners.size === 0) entries.delete(listId)
    const watched = [...entries]
    const known: ListVersions = new Map(watched.map(([listId, entry]) => [listId, entry.known ?? new Map()]))
    const found = await read([...known.keys()], known)
    for (const [listId, entry] of watched) {
      if (entries.get(listId) !== entry) continue
      compare(entry, found.get(listId) ?? new Map())
      entry.begun.resolve()
    }
  }

  function compare(entry: Entry, now: Map<string, string>): void {
    const { known, told } = entry
    entry.known = now
    entry.told = new Map()
    if (!known) return
    for (const [id, version] of now) {
      if (known.get(id) !== version && told.get(id) !== version) tell(entry, id)
    }
    for (const id of known.keys()) if (!now.has(id)) tell(entry, id)
  }

  return {
    begin: (listId) => entryOf(listId).begun.promise,
    listen(listId, changed) {
      const entry = entryOf(listId)
      entry.listeners.add(changed)
      return () => {
        entry.listeners.delete(changed)
        if (entry.listeners.size === 0 && entries.get(listId) === entry) entries.delete(listId)
      }
    },
    stop() {
      stopped = true
      cancelTimer?.()
      for (const { begun } of entries.values()) begun.resolve()
      unsubscribe()
    },
  }
}
