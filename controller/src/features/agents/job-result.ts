// What an agent says of a job's end, in the engine's words; everything it could fill without bound is bounded.

import type { JobResult } from '@ansflow/engine/state'
import { findUnstorable } from '@ansflow/proto/characters'
import { type Finished, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { limits } from '@ansflow/proto/limits'
import { timestampDate } from '@bufbuild/protobuf/wkt'

const maxReason = 2000

export function resultOf(finished: Finished): JobResult {
  const { exitCode, startedAt, finishedAt, logSize } = finished
  const { outcome, reason, reasonCode } = isKnown(finished.outcome) ? finished : unknownOutcome(finished.outcome)
  const result: JobResult = {
    outcome,
    outputs: finished.outputs,
    logSize: Number(logSize),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(reason ? { reason: reason.slice(0, maxReason).toWellFormed() } : {}),
    ...(reasonCode ? { reasonCode: reasonCode.slice(0, 64) } : {}),
    ...(startedAt ? { startedAt: timestampDate(startedAt) } : {}),
    ...(finishedAt ? { finishedAt: timestampDate(finishedAt) } : {}),
  }
  const fault = faultOf(finished.outputs)
  if (!fault) return result
  // Half a value would be worse than none: whoever uses it could not tell.
  if (outcome !== Outcome.SUCCEEDED) return { ...result, outputs: {} }
  return { ...result, outputs: {}, outcome: Outcome.FAILED, reasonCode: 'agent_error', reason: fault }
}

function isKnown(outcome: Outcome): boolean {
  return outcome !== Outcome.UNSPECIFIED && Outcome[outcome] !== undefined
}

/** Of an agent newer than this controller: whatever it means, it is no success. */
function unknownOutcome(outcome: number): Pick<Finished, 'outcome' | 'reason' | 'reasonCode'> {
  const reason = `Its agent reported an outcome that this controller does not know (${outcome}).`
  return { outcome: Outcome.FAILED, reason, reasonCode: 'agent_error' }
}

/** The agent keeps the same rules; one that does not is not believed. */
function faultOf(outputs: Record<string, string>): string | undefined {
  const entries = Object.entries(outputs)
  // Those it declares, and those of its type.
  if (entries.length > 2 * limits.outputsOfAStep) return `The step has ${entries.length} outputs.`
  const bytes = entries.flat().reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes > limits.outputsBytes) {
    return `The outputs have ${bytes} bytes; a step may have ${limits.outputsBytes} of them.`
  }
  const wrong = findUnstorable(outputs)
  return wrong && `An output holds ${wrong.name}, which cannot be stored.`
}

/** The reason is their names: its sentence is the reader's. */
export function secretsMissing(names: string[]): JobResult {
  return {
    outcome: Outcome.FAILED,
    reasonCode: 'secret_missing',
    reason: names.join(', '),
  }
}
