// Whether a typed pipeline file can become the graph: only what cannot be read keeps it from that, not what is wrong in it.
import { type Problem, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'

/** Codes of the reader; the validator's problems are also found in a graph drawn by hand, and do not stop the text. */
const unreadable = new Set([
  'yaml',
  'type',
  'unknown_key',
  'alias',
  'choice',
  'input_type',
  'unavailable',
  'too_large',
  'run_and_uses',
  'run_and_with',
  'need_step',
  'step_id',
  'duplicate_step',
])

/** The first thing that makes the text unreadable. */
export function yamlState(problems: readonly Problem[]): { line: number; message: string } | undefined {
  const fault = problems.find((problem) => problem.severity === Severity.ERROR && unreadable.has(problem.code))
  return fault && { line: fault.line, message: fault.message }
}
