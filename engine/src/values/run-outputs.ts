// What a run says once all of its steps have ended well: for whoever has started it.
import { ExpressionError, interpolate } from '@ansflow/proto/expression'
import { limits, utf8Length } from '@ansflow/proto/limits'
import { type Said, say } from '@ansflow/proto/texts/say'
import type { RunState } from '../state.ts'
import { expressionContext } from './job-context.ts'

const succeeded = { success: true, failure: false, canceled: false }

export function runOutputs(state: RunState): { outputs: Record<string, string> } | { output: string; problem: Said } {
  const outputs: Record<string, string> = {}
  if (state.graph.outputs.length === 0) return { outputs }
  const context = expressionContext(state, null, succeeded)
  let bytes = 0
  for (const { name, value } of state.graph.outputs) {
    try {
      outputs[name] = interpolate(value, context)
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error
      return { output: name, problem: error.said }
    }
    bytes += utf8Length(name) + utf8Length(outputs[name])
    if (bytes > limits.outputsBytes) {
      return { output: name, problem: say('outputs_long', { most: limits.outputsBytes / 1024 }) }
    }
  }
  return { outputs }
}
