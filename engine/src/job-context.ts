// What a step's expressions see: inputs, env, git, run, the steps they name, and how its needs ended.
import { type ExpressionContext, interpolate } from '@ansflow/proto/expression'
import { starterOf } from '@ansflow/proto/run-origin'
import { gitFacts } from './git-facts.ts'
import type { RunState, StepState } from './state.ts'

export type Needs = ExpressionContext['needs']

/** How the needs of a step that runs, or is about to, look to its expressions. */
export function needsOf(state: RunState, step: StepState): Needs {
  const canceled = state.cancelLevel > 0
  return { success: !canceled && !step.failedBefore, failure: step.failedBefore, canceled }
}

/** `env` is only computed when an expression asks for it; by default it is what the step's process gets. */
export function expressionContext(
  state: RunState,
  step: StepState,
  needs: Needs,
  env: () => Record<string, string> = () => stepEnv(state, step, needs),
): ExpressionContext {
  const { meta } = state
  return {
    inputs: state.inputs,
    get env() {
      return env()
    },
    get git() {
      return gitFacts(state)
    },
    run: {
      id: meta.runId,
      number: meta.number,
      pipeline: meta.pipelineName,
      project: meta.projectSlug,
      version: meta.version,
      startedBy: starterOf(meta.origin).name,
    },
    steps: state.stepValues,
    needs,
  }
}

/** The pipeline's variables, then the step's; each sees those before it. */
export function stepEnv(state: RunState, step: StepState, needs: Needs): Record<string, string> {
  const env: Record<string, string> = {}
  const context = expressionContext(state, step, needs, () => env)
  for (const { name, value } of [...state.graph.env, ...step.definition.env]) env[name] = interpolate(value, context)
  return env
}
