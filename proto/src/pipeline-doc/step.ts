// Owns the reading of one step of the shared document: missing keys get their defaults, wrong values are left out or clamped.

import {
  OnLost,
  PositionSchema,
  type Problem,
  type Retry,
  RetryOn,
  RetrySchema,
  Severity,
  type StepDefinition,
  StepDefinitionSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import * as Y from 'yjs'
import { problem } from './problem.ts'
import { variables } from './settings.ts'
import { isRecord, type Point, type StepConfig, type StepMap, stepPart } from './shape.ts'

// Messages are plain objects: copying an empty one is many times quicker than making one by its descriptor, which counts
// here, as a canvas of hundreds of steps is read anew at every change.
const emptyStep = create(StepDefinitionSchema)
const emptyPosition = create(PositionSchema)

const maxDuration = 2 ** 32 - 1
const maxRetries = 20

export const retryWords: Record<StepConfig['retry.on'][number], RetryOn> = {
  failed: RetryOn.FAILED,
  timeout: RetryOn.TIMEOUT,
  lost: RetryOn.LOST,
}

export function projectStep(nodeId: string, key: string, map: StepMap, problems: Problem[]): StepDefinition {
  const cfg = stepPart(map, 'cfg')
  const read = <K extends keyof StepConfig>(field: K): unknown => cfg?.get(field)
  const type = map.get('type')
  if (typeof type !== 'string' || type === '') {
    problems.push(
      problem(Severity.INFO, 'value_missing', 'The type of this step went missing; it counts as "custom".', {
        stepId: key,
        field: 'uses',
      }),
    )
  }
  const number = (field: 'timeout' | 'retry.delay' | 'retry.max', most: number): number =>
    wholeNumber(read(field), most, problems, key, field)
  const step: StepDefinition = {
    ...emptyStep,
    id: key,
    name: text(map.get('name')),
    description: text(read('description')),
    uses: typeof type === 'string' && type !== '' ? type : 'custom',
    with: stepParams(map),
    when: text(read('when')),
    timeoutMs: number('timeout', maxDuration),
    allowFailure: read('allowFailure') === true,
    runsOn: texts(read('runsOn')),
    workspace: text(read('workspace')),
    needs: [],
    env: variables(stepPart(map, 'env')),
    secrets: texts(read('secrets')),
    outputs: texts(read('outputs')),
    onLost: onLost(read('onLost')),
    disabled: map.get('on') === false,
    nodeId,
    position: { ...emptyPosition, ...point(map.get('pos')) },
  }
  const retry = projectRetry(read, number)
  if (retry) step.retry = retry
  return step
}

function projectRetry(
  read: (field: keyof StepConfig) => unknown,
  number: (field: 'retry.delay' | 'retry.max', most: number) => number,
): Retry | undefined {
  const fields = ['retry.max', 'retry.delay', 'retry.backoff', 'retry.on'] as const
  if (fields.every((field) => read(field) === undefined)) return undefined
  const backoff = read('retry.backoff')
  return create(RetrySchema, {
    max: number('retry.max', maxRetries),
    delayMs: number('retry.delay', maxDuration),
    backoff: typeof backoff === 'number' && Number.isFinite(backoff) ? Math.max(0, backoff) : 0,
    on: texts(read('retry.on')).flatMap((word) =>
      Object.hasOwn(retryWords, word) ? [retryWords[word as keyof typeof retryWords]] : [],
    ),
  })
}

/** The parameters as the file says them: shared texts and plain values together. */
export function stepParams(map: StepMap): JsonObject {
  const result: JsonObject = {}
  stepPart(map, 'params')?.forEach((value, name) => {
    if (name !== '__proto__' && isJson(value)) result[name] = value
  })
  stepPart(map, 'texts')?.forEach((shared, name) => {
    if (name !== '__proto__' && shared instanceof Y.Text && shared.length > 0) result[name] = shared.toString()
  })
  return result
}

function isJson(value: unknown): value is JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (Array.isArray(value)) return value.every(isJson)
  if (!isRecord(value) || value instanceof Uint8Array || value instanceof Y.AbstractType) return false
  return Object.values(value).every(isJson)
}

/** A whole number from 0 to `most`; what is outside is moved to the nearest end, and said. */
export function wholeNumber(value: unknown, most: number, problems: Problem[], stepId: string, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 0
  const used = Math.min(most, Math.max(0, Math.round(value)))
  if (used !== value) {
    const message = `${field} is ${value}; it counts as ${used}.`
    problems.push(
      problem(Severity.WARNING, 'value_clamped', message, {
        stepId,
        field,
        params: { field, value: String(value), used: String(used) },
      }),
    )
  }
  return used
}

function onLost(value: unknown): OnLost {
  if (value === 'retry') return OnLost.RETRY
  return value === 'fail' ? OnLost.FAIL : OnLost.UNSPECIFIED
}

function point(value: unknown): Point {
  if (!isRecord(value)) return { x: 0, y: 0 }
  const { x, y } = value
  return {
    x: typeof x === 'number' && Number.isFinite(x) ? x : 0,
    y: typeof y === 'number' && Number.isFinite(y) ? y : 0,
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
