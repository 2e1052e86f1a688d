// What of a step's environment is asked for outside of its expressions.
import { type ExpressionContext, ExpressionError, hasExpression, interpolate } from '@ansflow/proto/expression'
import { environmentUrlProblem } from '@ansflow/proto/fields/environment'
import { limits } from '@ansflow/proto/limits'
import { type Reason, reason, saidReason } from '@ansflow/proto/reasons'
import { isTerminal, StepStatus, statusWord } from '@ansflow/proto/status'
import { expressionsIn, referencesIn } from '@ansflow/proto/step-expressions'
import { say } from '@ansflow/proto/texts/say'
import type { RunEnvironment, RunState, StepState } from '../state.ts'
import { environmentOf, expressionContext, needsOf } from '../values/job-context.ts'

export interface KnownEnvironment extends RunEnvironment {
  /** Where what the step deploys is found; empty: it is not said, or not yet. */
  url: string
  /** Why what the step says of that is no address; null: it is one, or nothing is said. */
  problem: Reason | null
}

/** Of a step that has begun, so whose environment could be told. */
export function knownEnvironmentOf(state: RunState, step: StepState): KnownEnvironment | undefined {
  let environment: RunEnvironment | undefined
  try {
    environment = environmentOf(state, step)
  } catch {
    return undefined
  }
  return environment && { ...environment, ...addressOf(state, step, environment) }
}

/** What its process is told of it. */
export function environmentVariables(state: RunState, step: StepState): Record<string, string> {
  const environment = environmentOf(state, step)
  if (!environment) return {}
  return { CI_ENVIRONMENT_NAME: environment.name, CI_ENVIRONMENT_URL: addressOf(state, step, environment).url }
}

/**
 * The step's own address comes before the environment's. It may read what the step sets, which is there once the step has ended; that it
 * is none keeps nothing from being deployed.
 */
function addressOf(
  state: RunState,
  step: StepState,
  environment: RunEnvironment,
): Pick<KnownEnvironment, 'url' | 'problem'> {
  const { url: written = '' } = step.definition.environment ?? {}
  const isLate = readsItself(step, written)
  if (isLate && !isTerminal(step.status)) return { url: '', problem: null }
  try {
    const own = hasExpression(written) ? interpolate(written, contextOf(state, step, isLate)).trim() : written
    if (!environmentUrlProblem(own)) return { url: own || environment.url, problem: null }
    const value = JSON.stringify(own.slice(0, 80))
    throw new ExpressionError(say('environment_url', { most: limits.addressLength, value }))
  } catch (error) {
    // Who has not come to its end has not set everything.
    if (isLate && step.status !== StepStatus.SUCCEEDED) return { url: '', problem: null }
    if (error instanceof ExpressionError) return { url: '', problem: saidReason('environment_url', error.said) }
    return { url: '', problem: reason('environment_url', { message: String(error) }) }
  }
}

function contextOf(state: RunState, step: StepState, isLate: boolean): ExpressionContext {
  const context = expressionContext(state, step, needsOf(state, step))
  if (!isLate) return context
  const { definition, status, outputs } = step
  const { url } = definition.environment!
  const steps: Record<string, ExpressionContext['steps'][string]> = {}
  for (const id of stepsReadBy(url)) if (Object.hasOwn(state.stepValues, id)) steps[id] = state.stepValues[id]!
  // Of a copy, what it has set itself.
  steps[definition.id] = { status: statusWord(status), outputs }
  return Object.defineProperty(context, 'steps', { value: steps })
}

function readsItself({ definition }: StepState, url: string): boolean {
  return hasExpression(url) && stepsReadBy(url).has(definition.id)
}

function stepsReadBy(text: string): Set<string> {
  const read = [...expressionsIn('', text)].flatMap(({ source }) => referencesIn(source))
  return new Set(read.flatMap(({ root, path }) => (root === 'steps' && path[0] !== undefined ? [path[0]] : [])))
}
