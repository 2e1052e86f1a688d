// What of a step may hold expressions and is asked for outside of its job: its name, its timeout, its labels, its workspace. They
// read nothing that changes once the step's needs have ended, so they are looked up instead of being kept.
import { labelProblem } from '@ansflow/proto/agent-labels'
import { parseDuration } from '@ansflow/proto/duration'
import {
  compileExpression,
  ExpressionError,
  hasExpression,
  interpolate,
  interpolateValue,
  parseTemplate,
  toText,
} from '@ansflow/proto/expression'
import { imageProblem } from '@ansflow/proto/fields/image'
import { lockNameProblem, locksHaveEffect, locksOfStep, type WrittenLock } from '@ansflow/proto/fields/locks'
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { limits, patterns } from '@ansflow/proto/limits'
import { copyName } from '@ansflow/proto/matrix'
import { say } from '@ansflow/proto/texts/say'
import type { JsonValue } from '@bufbuild/protobuf'
import type { RunState, StepState } from '../state.ts'
import { expressionContext, needsOf } from './job-context.ts'

const contextOf = (state: RunState, step: StepState) => expressionContext(state, step, needsOf(state, step))

/** Milliseconds; 0: none. Throws an ExpressionError. */
export function timeoutOf(state: RunState, step: StepState): number {
  const { timeoutMs, timeoutExpression } = step.definition
  if (timeoutExpression === '') return timeoutMs
  const text = interpolate(timeoutExpression, contextOf(state, step))
  const ms = parseDuration(text)
  if (ms === undefined)
    throw new ExpressionError(say('duration_form', { kind: 'text', value: JSON.stringify(text.slice(0, 40)) }))
  if (ms === 0) throw new ExpressionError(say('duration_none'))
  if (ms > limits.durationMs) throw new ExpressionError(say('duration_long'))
  return ms
}

/** Of a step that has begun, so whose timeout could be read. */
export function knownTimeoutOf(state: RunState, step: StepState): number {
  try {
    return timeoutOf(state, step)
  } catch {
    return 0
  }
}

/** Throws an ExpressionError. */
export function workspaceOf(state: RunState, step: StepState): string {
  const { workspace } = step.definition
  if (!hasExpression(workspace)) return workspace || 'shared'
  const name = interpolate(workspace, contextOf(state, step))
  if (!patterns.workspace.test(name))
    throw new ExpressionError(say('workspace', { word: JSON.stringify(name.slice(0, 80)) }))
  return name
}

/** Empty: it runs on the agent's host itself. Throws an ExpressionError. */
export function imageOf(state: RunState, step: StepState): string {
  const { image } = step.definition
  if (!hasExpression(image)) return image
  const name = interpolate(image, contextOf(state, step)).trim()
  const said = name === '' ? undefined : imageProblem(name)
  if (said) throw new ExpressionError(said)
  return name
}

/** The step's own. Throws an ExpressionError. */
export function ownLabelsOf(state: RunState, step: StepState): readonly string[] {
  const { runsOn } = step.definition
  if (!runsOn.some(hasExpression)) return runsOn
  const context = contextOf(state, step)
  const labels = runsOn.flatMap((label) => {
    const value: JsonValue = interpolateValue(label, context)
    return (Array.isArray(value) ? value : [value]).map((each) =>
      typeof each === 'string' ? each : JSON.stringify(each),
    )
  })
  const problem = labels.map(labelProblem).find((said) => said !== undefined)
  if (problem) throw new ExpressionError(problem)
  if (labels.length > limits.labelsOfAStep) {
    throw new ExpressionError(say('many_words', { most: limits.labelsOfAStep, noun: 'labels' }))
  }
  return labels
}

/** In their order, each once with the smallest limit; of a step that awaits a moment or people, none. Throws an ExpressionError. */
export function locksOf(state: RunState, step: StepState): WrittenLock[] {
  const { definition } = step
  if (!locksHaveEffect(definition.uses)) return []
  const written = locksOfStep(definition)
  const context = written.some(({ name }) => hasExpression(name)) ? contextOf(state, step) : undefined
  const found = new Map<string, number>()
  for (const lock of written) {
    const value: JsonValue = context ? interpolateValue(lock.name, context) : lock.name
    for (const each of Array.isArray(value) ? value : [value]) {
      const name = toText(each).trim()
      if (name !== '') found.set(name, Math.min(found.get(name) ?? lock.limit, lock.limit))
    }
  }
  const names = [...found.keys()].sort()
  const most = limits.locksOfAStep
  if (names.some(lockNameProblem)) throw new ExpressionError(say('lock_name', { most: limits.lockName }))
  if (names.length > most) throw new ExpressionError(say('many_words', { most, noun: 'locks' }))
  return names.map((name) => ({ name, limit: found.get(name)! }))
}

/** Of a copy, its values stand behind the name unless that reads them. */
export function nameOf(state: RunState, step: StepState): string {
  const { name, id } = step.definition
  if (!hasExpression(name)) return step.matrix ? copyName(name || id, step.matrix) : name || id
  if (!step.matrix && rootsIn(name).has('matrix')) return id
  try {
    const text = interpolate(name, contextOf(state, step)).trim().slice(0, limits.nameLength) || id
    return step.matrix && !rootsIn(name).has('matrix') ? copyName(text, step.matrix) : text
  } catch {
    return name
  }
}

/** What the expressions of a text read. */
function rootsIn(text: string): Set<string> {
  const roots = parseTemplate(text).parts.flatMap((part) =>
    part.kind === 'text' ? [] : (compileExpression(part.source).expression?.references ?? []).map(({ root }) => root),
  )
  return new Set(roots)
}

const early: ReadonlySet<string> = new Set(['inputs', 'run'])

/** When it is known where the step runs: by what the file says, by what the run was begun with, or with its first job. */
export function placeIsKnown({ runsOn, workspace }: StepDefinition): 'always' | 'early' | 'late' {
  const texts = [...runsOn, workspace].filter(hasExpression)
  if (texts.length === 0) return 'always'
  return texts.every((text) => [...rootsIn(text)].every((root) => early.has(root))) ? 'early' : 'late'
}

/** Whether a condition speaks of the values of a copy, so that each copy answers it by itself. */
export function readsMatrix(condition: string): boolean {
  if (!condition.includes('matrix')) return false
  return compileExpression(condition).expression?.references.some(({ root }) => root === 'matrix') ?? false
}
