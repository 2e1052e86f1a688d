// What whoever performs one kind of the controller's work gets, and answers.
import type { Reason } from '@ansflow/proto/reasons'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { Outbound } from '../../platform/outbound.ts'

export interface Performing {
  /** As its step type has compiled it, without values of secrets. */
  request: JsonObject
  /** The same with the values of secrets in their places: for what is sent, and nothing else. */
  filled: JsonObject
  /** The values of the step's secrets: nothing that is told of the work may hold one. */
  secrets: readonly string[]
  /** The same for this attempt, however often it is performed: what is done twice can be told by it. */
  key: string
  outbound: Outbound
  /** Fires when it was canceled, has timed out, or another controller has it. */
  signal: AbortSignal
  /** Of the attempt's log. */
  line(text: string): void
}

export type Performed = { outputs: Record<string, string> } | { why: Reason }

export type Performer = (work: Performing) => Promise<Performed>

export function textIn(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}
