// Reads the values of fields out of a map of the shared document.
import { type Problem, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type * as Y from 'yjs'
import type { DocumentReader } from '../fields/kind.ts'
import { say } from '../texts/say.ts'
import { problem } from './problem.ts'

export function documentReader(map: Y.Map<unknown> | undefined, problems: Problem[], stepId: string): DocumentReader {
  return {
    get: (key) => map?.get(key),
    whole: (key, most) => wholeNumber(map?.get(key), most, problems, stepId, key),
  }
}

function wholeNumber(value: unknown, most: number, problems: Problem[], stepId: string, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 0
  const used = Math.min(most, Math.max(0, Math.round(value)))
  if (used !== value) {
    problems.push(problem(Severity.WARNING, say('value_clamped', { field, value, used }), { stepId, field }))
  }
  return used
}
