// What an agent says of a job's end, in the engine's words; everything it could fill without bound is cut.
import { type Finished, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { JobResult } from '../../engine/state.ts'

const maxReason = 2000
const maxOutputs = 100
const maxOutputBytes = 64 * 1024

export function resultOf(finished: Finished): JobResult {
  const { exitCode, startedAt, finishedAt, logSize } = finished
  const { outcome, reason, reasonCode } = isKnown(finished.outcome) ? finished : unknownOutcome(finished.outcome)
  return {
    outcome,
    outputs: boundedOutputs(finished.outputs),
    logSize: Number(logSize),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(reason ? { reason: reason.slice(0, maxReason) } : {}),
    ...(reasonCode ? { reasonCode: reasonCode.slice(0, 64) } : {}),
    ...(startedAt ? { startedAt: timestampDate(startedAt) } : {}),
    ...(finishedAt ? { finishedAt: timestampDate(finishedAt) } : {}),
  }
}

function isKnown(outcome: Outcome): boolean {
  return outcome !== Outcome.UNSPECIFIED && Outcome[outcome] !== undefined
}

/** Of an agent newer than this controller: whatever it means, it is no success. */
function unknownOutcome(outcome: number): Pick<Finished, 'outcome' | 'reason' | 'reasonCode'> {
  const reason = `Its agent reported an outcome that this controller does not know (${outcome}).`
  return { outcome: Outcome.FAILED, reason, reasonCode: 'agent_error' }
}

function boundedOutputs(outputs: Record<string, string>): Record<string, string> {
  const bounded: Record<string, string> = {}
  for (const [name, value] of Object.entries(outputs).slice(0, maxOutputs)) {
    bounded[name] = Buffer.byteLength(value) <= maxOutputBytes ? value : value.slice(0, maxOutputBytes / 4)
  }
  return bounded
}

export function secretsMissing(names: string[]): JobResult {
  return {
    outcome: Outcome.FAILED,
    reasonCode: 'secret_missing',
    reason: `The project has no secret ${names.join(', ')}.`,
  }
}
