// What a step's expressions see: inputs, env, git, run, the steps they name, and how its needs ended.
import { type ExpressionContext, ExpressionError, hasExpression, interpolate } from '@ansflow/proto/expression'
import { environmentNameProblem } from '@ansflow/proto/fields/environment'
import { locksHaveEffect } from '@ansflow/proto/fields/locks'
import type { NameValue } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { limits } from '@ansflow/proto/limits'
import { type Reason, reason, saidReason } from '@ansflow/proto/reasons'
import { say } from '@ansflow/proto/texts/say'
import { starterOf, triggerOf } from '@ansflow/proto/triggers/run-origin'
import type { RunEnvironment, RunState, StepState } from '../state.ts'
import { exportedTo } from './exports.ts'
import { gitContext } from './git-facts.ts'

export type Needs = ExpressionContext['needs']

/** How the needs of a step that runs, or is about to, look to its expressions. */
export function needsOf(state: RunState, step: StepState): Needs {
  const canceled = state.cancelLevel > 0
  const { failedBefore } = step.group ?? step
  return { success: !canceled && !failedBefore, failure: failedBefore, canceled }
}

/** `env` is only computed when an expression asks for it; by default it is what the step's process gets. Null: of the run itself. */
export function expressionContext(
  state: RunState,
  step: StepState | null,
  needs: Needs,
  env: () => Record<string, string> = () => (step ? stepEnv : pipelineEnv)(state, step as StepState, needs),
  vars: () => Record<string, string> = () => ({ ...inheritedEnv(state), ...(step && environmentEnv(state, step)) }),
): ExpressionContext {
  const { meta } = state
  return {
    inputs: state.inputs,
    get env() {
      return env()
    },
    get vars() {
      return vars()
    },
    get git() {
      return gitContext(state)
    },
    changed: meta.changed ?? meta.origin.git?.changed,
    fileHashes: meta.fileHashes ?? meta.origin.git?.fileHashes,
    run: {
      id: meta.runId,
      number: meta.number,
      pipeline: meta.pipelineName,
      project: meta.projectSlug,
      version: meta.version,
      startedBy: starterOf(meta.origin).name,
      trigger: triggerOf(meta.origin),
      trusted: !meta.origin.untrusted,
    },
    steps: state.stepValues,
    ...(step?.group && { matrix: { ...blankValues(step.group), ...step.matrix } }),
    needs,
  }
}

export function expressionReason(error: unknown): Reason {
  if (error instanceof ExpressionError) return saidReason('expression', error.said)
  return reason('expression', { message: error instanceof Error ? error.message : String(error) })
}

/** The pipeline's variables, its environment's, what the steps before have set, then the step's; each sees those before it. */
export function stepEnv(state: RunState, step: StepState, needs: Needs): Record<string, string> {
  const env = { ...pipelineEnv(state, step, needs), ...environmentEnv(state, step) }
  for (const { name, value } of exportedTo(state, step)) env[name] = value
  return envOf(state, step, needs, step.definition.env, env)
}

/** What every step of the run has: of its organization, its project and its pipeline. */
export function pipelineEnv(state: RunState, step: StepState | null, needs: Needs): Record<string, string> {
  return envOf(state, step, needs, state.graph.env, inheritedEnv(state))
}

function environmentEnv(state: RunState, step: StepState): Record<string, string> {
  const variables = environmentOf(state, step)?.variables ?? []
  return Object.fromEntries(variables.map(({ name, value }) => [name, value]))
}

function inheritedEnv({ meta }: RunState): Record<string, string> {
  return Object.fromEntries(meta.variables.map(({ name, value }) => [name, value]))
}

function envOf(
  state: RunState,
  step: StepState | null,
  needs: Needs,
  variables: NameValue[],
  env: Record<string, string> = {},
): Record<string, string> {
  const context = expressionContext(state, step, needs, () => env)
  for (const { name, value } of variables) env[name] = interpolate(value, context)
  return env
}

/**
 * The name that a step gives of what it deploys to; empty: none. It reads nothing that changes once the step's needs have ended, so it is
 * looked up instead of being kept. Throws an ExpressionError.
 */
export function environmentNameOf(state: RunState, step: StepState): string {
  const { environment, uses } = step.definition
  if (!environment || !locksHaveEffect(uses)) return ''
  const name = hasExpression(environment.name)
    ? interpolate(environment.name, contextOfEnvironment(state, step)).trim()
    : environment.name
  if (name === '') return ''
  if (environmentNameProblem(name)) throw new ExpressionError(say('environment_name', { most: limits.environmentName }))
  return name
}

/** Undefined: none, or one that the run does not know. Throws an ExpressionError. */
export function environmentOf(state: RunState, step: StepState): RunEnvironment | undefined {
  if (!step.definition.environment) return undefined
  const name = environmentNameOf(state, step)
  return state.meta.environments.find((each) => each.name === name)
}

/** The environment's own variables are not there before it is known. */
function contextOfEnvironment(state: RunState, step: StepState) {
  const needs = needsOf(state, step)
  return expressionContext(
    state,
    step,
    needs,
    () => pipelineEnv(state, null, needs),
    () => inheritedEnv(state),
  )
}

const blanks = new WeakMap<StepState[], Record<string, string>>()

/** What only some of the copies have is empty for the others. */
function blankValues({ copies }: StepState): Record<string, string> {
  let blank = blanks.get(copies!)
  if (!blank) {
    blank = Object.fromEntries(copies!.flatMap(({ matrix }) => Object.keys(matrix!)).map((name) => [name, '']))
    blanks.set(copies!, blank)
  }
  return blank
}
