// What the controller and the worker that tries untrusted updates say to each other.
import type { Refusal } from './messages.ts'

export type CheckTask =
  | { kind: 'load'; room: string; state: Uint8Array }
  | { kind: 'check'; room: string; update: Uint8Array }
  | { kind: 'follow'; room: string; update: Uint8Array }
  | { kind: 'forget'; room: string }

export type Verdict =
  | { kind: 'fine' }
  /** It builds on changes the server does not have: ask for everything. */
  | { kind: 'incomplete' }
  | ({ kind: 'refused' } & Refusal)

export type CheckAnswer = Verdict | { kind: 'ready' } | { kind: 'done' } | { kind: 'unknownRoom' }

export const tooSlow: Verdict = { kind: 'refused', code: 'too_slow', message: 'The change took too long to read.' }
