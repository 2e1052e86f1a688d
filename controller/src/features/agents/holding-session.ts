// What the jobs that an agent holds need of its session.
import type { ControlResponseSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'

export type ControlInit = NonNullable<MessageInitShape<typeof ControlResponseSchema>['kind']>

export interface HoldingSession {
  readonly agentId: string
  readonly closed: boolean
  /** The agent runs a job at its offer. */
  readonly startsOffers: boolean
  send(message: ControlInit): void
  warn(error: unknown, message: string): void
  /** A message that cannot be answered ends the stream; the agent says it again on the next. */
  fail(error: unknown): void
  /** A slot is free again. */
  freed(): void
  /** A job came, started or ended. */
  changed(): void
}
