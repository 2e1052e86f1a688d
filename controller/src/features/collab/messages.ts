// Owns the frames on a document's socket: y-websocket's, and one of ours that carries a CollabMessage or, from clients, a CollabTold.
import { collabFrame } from '@ansflow/proto/collab-frame'
import { CollabMessageSchema, type CollabTold, CollabToldSchema } from '@ansflow/proto/gen/ansflow/v1/collab_pb'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

const frame = {
  sync: 0,
  awareness: 1,
  queryAwareness: 3,
} as const
const sync = { step1: 0, step2: 1, update: 2 } as const

export type ClientMessage =
  | { kind: 'askState'; vector: Uint8Array }
  /** `whole`: everything the client has and the server had not when it asked. */
  | { kind: 'update'; update: Uint8Array; whole: boolean }
  | { kind: 'presence'; update: Uint8Array }
  | { kind: 'askPresence' }
  | { kind: 'told'; told: CollabTold['kind'] }
  | { kind: 'unknown' }

/** Why the server did not take something; `code` is for programs. */
export interface Refusal {
  code:
    | 'read_only'
    | 'too_large'
    | 'too_many_steps'
    | 'malformed'
    | 'characters'
    | 'schema'
    | 'too_slow'
    | 'too_fast'
    | 'unavailable'
  message: string
}

/** Throws on what is no frame at all. */
export function readMessage(bytes: Uint8Array): ClientMessage {
  const decoder = decoding.createDecoder(bytes)
  const type = decoding.readVarUint(decoder)
  if (type === frame.sync) {
    const step = decoding.readVarUint(decoder)
    const body = decoding.readVarUint8Array(decoder)
    if (step === sync.step1) return { kind: 'askState', vector: body }
    if (step === sync.step2 || step === sync.update) return { kind: 'update', update: body, whole: step === sync.step2 }
  }
  if (type === frame.awareness) return { kind: 'presence', update: decoding.readVarUint8Array(decoder) }
  if (type === frame.queryAwareness) return { kind: 'askPresence' }
  if (type === collabFrame) {
    return { kind: 'told', told: fromBinary(CollabToldSchema, decoding.readVarUint8Array(decoder)).kind }
  }
  return { kind: 'unknown' }
}

/** Whether it answers with everything that the client has and the server has not: what has waited may be more than one change. */
export function isWhole(bytes: Uint8Array): boolean {
  return bytes[0] === frame.sync && bytes[1] === sync.step2
}

function write(...parts: (number | Uint8Array)[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const part of parts) {
    if (typeof part === 'number') encoding.writeVarUint(encoder, part)
    else encoding.writeVarUint8Array(encoder, part)
  }
  return encoding.toUint8Array(encoder)
}

/** Asks the client for what the server's state vector lacks. */
export function askStateMessage(vector: Uint8Array): Uint8Array {
  return write(frame.sync, sync.step1, vector)
}

export function stateMessage(update: Uint8Array): Uint8Array {
  return write(frame.sync, sync.step2, update)
}

export function updateMessage(update: Uint8Array): Uint8Array {
  return write(frame.sync, sync.update, update)
}

export function presenceMessage(update: Uint8Array): Uint8Array {
  return write(frame.awareness, update)
}

/** What y-websocket does not know. */
export function ours(kind: NonNullable<MessageInitShape<typeof CollabMessageSchema>['kind']>): Uint8Array {
  return write(collabFrame, toBinary(CollabMessageSchema, create(CollabMessageSchema, { kind })))
}
