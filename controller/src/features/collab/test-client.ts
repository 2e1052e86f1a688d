// For tests: people with a document open, through y-websocket's own client on a real socket.
import { collabFrame } from '@ansflow/proto/collab-frame'
import {
  type CollabMessage,
  CollabMessageSchema,
  type CollabNotice,
  type CollabRefused,
} from '@ansflow/proto/gen/ansflow/v1/collab_pb'
import { addStep, type EditOrigin, projectShape } from '@ansflow/proto/pipeline-doc'
import { fromBinary } from '@bufbuild/protobuf'
import * as decoding from 'lib0/decoding'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import type { TestController } from '../../../test/start-controller.ts'
import type { EntityManager } from '../../platform/db.ts'
import { readDraft } from '../pipelines/index.ts'
import { Rooms } from './rooms.ts'

export interface Editor extends Disposable {
  doc: Y.Doc
  provider: WebsocketProvider
  origin: EditOrigin
  refusals: CollabRefused[]
  /** Whether the person may edit, each time it was said. */
  access: boolean[]
  notices: CollabNotice['kind'][]
  /** Who last changed which step, as the server says. */
  authors: Map<string, { id: string; name: string } | null>
  /** Latest of what the server said is stored. */
  stored: { vector: Uint8Array; settled: number } | undefined
  /** Set when the server closed for good. */
  closedWith: number | undefined
  addStep(key: string, script?: string): string
  keys(): string[]
}

export function openEditor(url: string, pipelineId: string, token: string, doc = new Y.Doc()): Editor {
  class SignedSocket extends WebSocket {
    constructor(address: string, protocols?: string[]) {
      super(address, protocols, { headers: { authorization: `Bearer ${token}` } })
    }
  }
  const provider = new WebsocketProvider(`${url.replace('http', 'ws')}/collab`, pipelineId, doc, {
    WebSocketPolyfill: SignedSocket as unknown as typeof globalThis.WebSocket,
    disableBc: true,
    maxBackoffTime: 100,
  })
  const origin: EditOrigin = { user: token }
  const editor: Editor = {
    doc,
    provider,
    origin,
    refusals: [],
    access: [],
    notices: [],
    authors: new Map(),
    stored: undefined,
    closedWith: undefined,
    addStep: (key, script = 'true') =>
      addStep(doc, { type: 'custom', key, pos: { x: 0, y: 0 }, params: { script } }, origin),
    keys: () => projectShape(doc).graph.steps.map(({ id }) => id),
    [Symbol.dispose]() {
      provider.destroy()
      doc.destroy()
    },
  }
  provider.messageHandlers[collabFrame] = (_encoder: unknown, decoder: decoding.Decoder) => {
    const { kind } = fromBinary(CollabMessageSchema, decoding.readVarUint8Array(decoder))
    if (kind.case === 'stored') editor.stored = { vector: kind.value.stateVector, settled: kind.value.settled }
    else if (kind.case === 'refused') editor.refusals.push(kind.value)
    else if (kind.case === 'access') editor.access.push(kind.value.mayEdit)
    else if (kind.case === 'notice') editor.notices.push(kind.value.kind)
    else if (kind.case === 'authors')
      for (const { nodeId, userId, userName } of kind.value.authors)
        editor.authors.set(nodeId, userId === '' ? null : { id: userId, name: userName })
  }
  provider.on('closed', ({ code }: { code: number }) => {
    editor.closedWith = code
  })
  return editor
}

/** What a frame tells that y-websocket does not know; undefined: another frame. */
export function toldBy(frame: Uint8Array): CollabMessage['kind'] | undefined {
  const decoder = decoding.createDecoder(frame)
  if (decoding.readVarUint(decoder) !== collabFrame) return undefined
  return fromBinary(CollabMessageSchema, decoding.readVarUint8Array(decoder)).kind
}

/** The rooms of another controller on the same database. */
export function otherRooms({ db, bus, clock, controller }: TestController): Rooms {
  return new Rooms({ db, bus, clock, log: controller.log, workers: controller.workers })
}

/** Everything the editor has is committed on the server, as far as it has been told. */
export function isSaved({ doc, stored }: Editor): boolean {
  if (!stored) return false
  const there = Y.decodeStateVector(stored.vector)
  return [...Y.decodeStateVector(Y.encodeStateVector(doc))].every(
    ([client, clock]) => (there.get(client) ?? 0) >= clock,
  )
}

/** The stored draft as a document of its own. */
export async function loadDraft(em: EntityManager, pipelineId: string): Promise<Y.Doc | undefined> {
  const stored = await readDraft(em, pipelineId)
  return stored && docOf(stored)
}

/** What a room or the store holds, as a document of its own. */
export function docOf({ updates }: { updates: readonly Uint8Array[] }): Y.Doc {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdateV2(doc, update)
  return doc
}

/** The change (V2) that `work` makes of what is there. */
export function changeOf(there: { updates: readonly Uint8Array[] }, work: (doc: Y.Doc) => unknown): Uint8Array {
  const doc = docOf(there)
  const before = Y.encodeStateVector(doc)
  work(doc)
  return Y.encodeStateAsUpdateV2(doc, before)
}

/** Changes an open draft as the server does for somebody. */
export async function editDraft(
  rooms: Rooms,
  pipelineId: string,
  userId: string,
  work: (doc: Y.Doc) => unknown,
): Promise<void> {
  const room = await rooms.acquire(pipelineId)
  await room.merge(changeOf({ updates: await rooms.updates(pipelineId) }, work), userId)
  await room.flush()
  rooms.release(room)
}
