// One pipeline's document, kept in this browser and joined with the controller's: what is stored there, what is only here.
import { collabFrame } from '@ansflow/proto/collab-frame'
import {
  type CollabMessage,
  CollabMessageSchema,
  type CollabNotice,
  CollabToldSchema,
} from '@ansflow/proto/gen/ansflow/v1/collab_pb'
import { limits } from '@ansflow/proto/limits'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { computed, type Ref, ref, shallowReactive, shallowRef } from 'vue'
import { IndexeddbPersistence } from 'y-indexeddb'
import { writeSyncStep1 } from 'y-protocols/sync'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { countUnsent, forgetOne, keptName } from '../../../kept-here.ts'
import { watchPulse } from './link-pulse.ts'

/** First two bytes of the messages that change the document. */
const syncFrame = 0
const wholeState = 1
const oneUpdate = 2
/** Bytes of a whole state that holds nothing: two of the frame, a length, two empty lists. */
const emptyState = 5

export type SaveState = 'connecting' | 'saved' | 'sending' | 'offline' | 'refused'

export interface Refusal {
  code: string
  message: string
}

export interface StepAuthor {
  id: string
  /** Empty: the controller knows only the id. */
  name: string
}

export interface CollabLink {
  provider: WebsocketProvider
  state: Readonly<Ref<SaveState>>
  /** Changes made here that the controller has not said it stored. */
  unsent: Readonly<Ref<number>>
  /** Of them, those made since the page was opened. */
  waitingBytes(): number
  /** The document is complete: from the controller, or from this browser when the controller cannot be reached. */
  ready: Readonly<Ref<boolean>>
  refusal: Readonly<Ref<Refusal | undefined>>
  /** What the controller lets this person do here; undefined until it has said. */
  mode: Readonly<Ref<'edit' | 'view' | undefined>>
  /** Who last changed which step, where the controller knows, by node id. */
  authors: ReadonlyMap<string, StepAuthor>
  /** Tries again after the controller closed the document, when it may be open to this person again. */
  reopen(): void
  /** To the others, who hear of it as a notice. */
  tell(told: NonNullable<MessageInitShape<typeof CollabToldSchema>['kind']>): void
  onNotice(listener: (notice: CollabNotice['kind']) => void): void
  /** Closes, and forgets what this browser keeps of the document. */
  discard(): Promise<void>
  close(): void
}

/** A change made here: the number of the message that carried it on this connection, undefined before it was sent. */
interface Pending {
  message: number | undefined
  bytes: number
}

export function openCollabLink(doc: Y.Doc, pipelineId: string, userId: string): CollabLink {
  const local = new IndexeddbPersistence(keptName(userId, pipelineId), doc)
  const address = `${window.location.origin.replace(/^http/, 'ws')}/collab`
  const provider = new WebsocketProvider(address, pipelineId, doc, { disableBc: true, maxBackoffTime: 15_000 })

  const connected = ref(false)
  const joined = ref(false)
  /** The socket looks open, but nothing comes back. */
  const answered = ref(true)
  const network = ref(true)
  const ready = ref(false)
  const keptHere = ref(false)
  const refusal = shallowRef<Refusal>()
  const mode = ref<'edit' | 'view'>()
  const pending = shallowRef<readonly Pending[]>([])
  /** What an earlier visit left in this browser, by the clients that made it, and how much of it is not stored. */
  const kept = new Map<number, number>()
  const behind = ref(0)
  const authors = shallowReactive(new Map<string, StepAuthor>())
  const listeners = new Set<(notice: CollabNotice['kind']) => void>()

  const unsent = computed(() => Math.max(pending.value.length, behind.value))
  const state = computed<SaveState>(() => {
    // The controller asks nobody for changes that it would not take: the right went while they were only here.
    if (refusal.value || (mode.value === 'view' && unsent.value > 0)) return 'refused'
    if (!network.value || !answered.value) return 'offline'
    if (!connected.value) return ready.value || joined.value ? 'offline' : 'connecting'
    // Nothing is saved of a document that has not come yet.
    if (!joined.value || !ready.value) return 'connecting'
    return unsent.value > 0 ? 'sending' : 'saved'
  })

  // The controller answers how many of this connection's document messages are settled, so they are counted as they go out.
  let sent = 0
  function countMessages(socket: WebSocket): void {
    sent = 0
    pending.value = pending.value.map(({ bytes }) => ({ message: undefined, bytes }))
    const send = socket.send.bind(socket)
    socket.addEventListener('message', () => {
      // A controller on this machine answers without any network.
      network.value = true
      pulse.heard()
    })
    socket.send = (data: string | ArrayBufferLike | Blob | ArrayBufferView) => {
      if (data instanceof Uint8Array && data[0] === syncFrame && (data[1] === wholeState || data[1] === oneUpdate)) {
        sent += 1
        if (data[1] === wholeState) holdsEverything(data.length > emptyState)
        // What is taken back at once may be more than one change may be: it goes as all that is new does.
        else if (data.length > limits.changeBytes) data[1] = wholeState
      }
      send(data as ArrayBuffer)
    }
  }

  /** The answer to the controller's question carries all that was waiting, and what an earlier visit left in this browser. */
  function holdsEverything(something: boolean): void {
    const waiting = pending.value.map(({ message, bytes }) => ({ message: message ?? sent, bytes }))
    pending.value = waiting.length === 0 && something ? [{ message: sent, bytes: 0 }] : waiting
  }

  // Registered after the provider's own listener, which has sent the change by now when there is a connection.
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === provider) return
    if (origin === local) {
      for (const [client, clock] of Y.parseUpdateMeta(update).to) kept.set(client, clock)
      return
    }
    pending.value = [...pending.value, { message: connected.value ? sent : undefined, bytes: update.length }]
  })

  function compare(vector: ReadonlyMap<number, number>, settled: number): void {
    pending.value = pending.value.filter(({ message }) => message === undefined || message > settled)
    // What others write is theirs to bring there: to see it before it is stored is no change of one's own.
    behind.value = [...kept].filter(([client, clock]) => clock > (vector.get(client) ?? 0)).length
  }

  provider.messageHandlers[collabFrame] = (_encoder, decoder) =>
    take(fromBinary(CollabMessageSchema, decoding.readVarUint8Array(decoder)).kind)

  function take(told: CollabMessage['kind']): void {
    switch (told.case) {
      case 'access':
        mode.value = told.value.mayEdit ? 'edit' : 'view'
        // Now the controller asks for what it did not take before.
        if (told.value.mayEdit && refusal.value?.code === 'read_only') refusal.value = undefined
        break
      case 'stored':
        joined.value = true
        compare(Y.decodeStateVector(told.value.stateVector), told.value.settled)
        break
      case 'refused':
        refusal.value = told.value
        break
      case 'authors':
        for (const { nodeId, userId: id, userName: name } of told.value.authors) {
          if (id) authors.set(nodeId, { id, name })
          else authors.delete(nodeId)
        }
        break
      case 'notice':
        for (const listener of listeners) listener(told.value.kind)
    }
  }
  provider.on('status', ({ status }) => {
    // Another controller may know less, and what it does not know it does not take back.
    if (status === 'connected') authors.clear()
    connected.value = status === 'connected'
    if (status === 'connected' && provider.ws) {
      countMessages(provider.ws)
      // Others were told that we had gone: only a newer state brings us back.
      provider.awareness.setLocalState(provider.awareness.getLocalState())
    }
    if (status !== 'connected') joined.value = false
  })
  provider.on('sync', (synced) => {
    if (synced) ready.value = true
  })
  provider.on('closed', ({ code, reason }) => {
    refusal.value ??= { code: code === 4403 ? 'read_only' : 'closed', message: reason }
  })
  void local.whenSynced.then(() => {
    keptHere.value = true
    // What this browser kept is better than nothing, but a document that was never here is no document yet.
    if (doc.store.clients.size > 0) ready.value = true
  })

  const pulse = watchPulse({
    connected: () => provider.wsconnected,
    waiting: () => unsent.value > 0,
    // What it has is asked for again: the answer is a few bytes when nothing is missing.
    ask() {
      const encoder = encoding.createEncoder()
      encoding.writeVarUint(encoder, syncFrame)
      writeSyncStep1(encoder, doc)
      provider.ws?.send(encoding.toUint8Array(encoder))
    },
    answers: (alive) => {
      answered.value = alive
    },
    renew() {
      if (refusal.value) return
      provider.disconnect()
      provider.connect()
    },
  })

  const warn = (event: BeforeUnloadEvent) => {
    if (unsent.value > 0 && !keptHere.value) event.preventDefault()
  }
  const lost = () => {
    network.value = false
    pulse.ask()
  }
  const retry = () => {
    network.value = true
    if (!provider.wsconnected && !refusal.value) provider.connect()
  }
  const stopCounting = countUnsent(() => unsent.value)
  window.addEventListener('beforeunload', warn)
  window.addEventListener('online', retry)
  window.addEventListener('offline', lost)

  return {
    provider,
    state,
    unsent,
    waitingBytes: () => pending.value.reduce((sum, { bytes }) => sum + bytes, 0),
    ready,
    refusal,
    mode,
    authors,
    reopen() {
      if (!refusal.value || provider.wsconnected) return
      refusal.value = undefined
      provider.connect()
    },
    tell(kind) {
      const encoder = encoding.createEncoder()
      encoding.writeVarUint(encoder, collabFrame)
      encoding.writeVarUint8Array(encoder, toBinary(CollabToldSchema, create(CollabToldSchema, { kind })))
      provider.ws?.send(encoding.toUint8Array(encoder))
    },
    onNotice: (listener) => listeners.add(listener),
    async discard() {
      await close()
      await forgetOne(userId, pipelineId)
    },
    close: () => void close(),
  }

  async function close(): Promise<void> {
    window.removeEventListener('beforeunload', warn)
    window.removeEventListener('online', retry)
    window.removeEventListener('offline', lost)
    stopCounting()
    pulse.stop()
    provider.awareness.setLocalState(null)
    provider.destroy()
    await local.destroy()
  }
}
