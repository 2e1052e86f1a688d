// How long an attempt may wait for its locks and an agent.
import type { JobState, StepState } from '../state.ts'
import { setDue, type Turn } from '../turn.ts'

/** `since`: when the attempt was ready. */
export function limitQueue(turn: Turn, step: StepState, since: Date): void {
  const { queueTimeoutMs } = step.definition
  if (queueTimeoutMs > 0) setDue(turn, step, new Date(since.getTime() + queueTimeoutMs))
}

/** An agent has it. */
export function endQueueLimit(turn: Turn, { step }: JobState): void {
  if (step.definition.queueTimeoutMs > 0) setDue(turn, step, null)
}
