// What the controller and the worker that holds documents say to each other.
import type { Refusal } from './messages.ts'

export type DocumentTask =
  /** All updates (V2, packed) of a document, for a thread that does not have it. */
  | { kind: 'load'; room: string; updates: Uint8Array }
  /** An update (V1) that nobody has looked at. */
  | { kind: 'check'; room: string; update: Uint8Array }
  /** Updates (V2, packed) of the server itself or of its database. */
  | { kind: 'apply'; room: string; updates: Uint8Array }
  /** What the state vector lacks, in V1; without one all, in V2. */
  | { kind: 'read'; room: string; vector?: Uint8Array }
  /** Updates (V2, packed) into one. */
  | { kind: 'merge'; room: string; updates: Uint8Array }
  | { kind: 'forget'; room: string }

/** What a document has become by a task. */
export interface Change {
  /** What was new to it, for clients (V1) and for the database (V2); undefined: nothing was. */
  news: { update: Uint8Array; stored: Uint8Array; touched: string[] } | undefined
  /** The state vector afterwards. */
  vector: Uint8Array
}

export type Verdict =
  | { kind: 'fine' }
  /** It builds on changes the server does not have: ask for everything. */
  | { kind: 'incomplete' }
  | ({ kind: 'refused' } & Refusal)

export type DocumentAnswer =
  | { kind: 'changed'; change: Change }
  | Exclude<Verdict, { kind: 'fine' }>
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'ready' }
  | { kind: 'done' }
  | { kind: 'unknownRoom' }

/** With the thread's own time that it took. */
export interface Measured {
  answer: DocumentAnswer
  usedMs: number
}

type Refused = Extract<Verdict, { kind: 'refused' }>

export const tooSlow: Refused = { kind: 'refused', code: 'too_slow', message: 'The change took too long to read.' }
export const unchecked: Refused = {
  kind: 'refused',
  code: 'unavailable',
  message: 'The change could not be checked. Try again.',
}
