// What of a step's environment is asked for outside of its expressions.
import { ExpressionError, hasExpression, interpolate } from '@ansflow/proto/expression'
import { environmentUrlProblem } from '@ansflow/proto/fields/environment'
import { limits } from '@ansflow/proto/limits'
import { say } from '@ansflow/proto/texts/say'
import type { RunEnvironment, RunState, StepState } from '../state.ts'
import { environmentOf, expressionContext, needsOf } from '../values/job-context.ts'

/** Where what the step deploys is found; empty: it is not said. Throws an ExpressionError. */
export function deployedUrlOf(state: RunState, step: StepState): string {
  const { url = '' } = step.definition.environment ?? {}
  const own = hasExpression(url) ? interpolate(url, expressionContext(state, step, needsOf(state, step))).trim() : url
  if (environmentUrlProblem(own)) throw new ExpressionError(say('environment_url', { most: limits.addressLength }))
  return own || (environmentOf(state, step)?.url ?? '')
}

/** Of a step that has begun, so whose environment could be told. */
export function knownEnvironmentOf(state: RunState, step: StepState): (RunEnvironment & { url: string }) | undefined {
  try {
    const environment = environmentOf(state, step)
    return environment && { ...environment, url: deployedUrlOf(state, step) }
  } catch {
    return undefined
  }
}

/** What its process is told of it. */
export function environmentVariables(state: RunState, step: StepState): Record<string, string> {
  const environment = environmentOf(state, step)
  if (!environment) return {}
  return { CI_ENVIRONMENT_NAME: environment.name, CI_ENVIRONMENT_URL: deployedUrlOf(state, step) }
}
