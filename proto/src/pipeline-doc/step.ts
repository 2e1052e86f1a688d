// Owns the reading of one step of the shared document: missing keys get their defaults, wrong values are left out or clamped.

import {
  PositionSchema,
  type Problem,
  Severity,
  type StepDefinition,
  StepDefinitionSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import * as Y from 'yjs'
import { textOf } from '../fields/kind.ts'
import { configFields } from '../fields/step-fields.ts'
import { say } from '../texts/say.ts'
import { documentReader } from './document-reader.ts'
import { problem } from './problem.ts'
import { variables } from './settings.ts'
import { isRecord, type Point, type StepMap, stepPart } from './shape.ts'

// Messages are plain objects: copying an empty one is many times quicker than making one by its descriptor, which counts
// here, as a canvas of hundreds of steps is read anew at every change.
const emptyStep = create(StepDefinitionSchema)
const emptyPosition = create(PositionSchema)

export function projectStep(nodeId: string, key: string, map: StepMap, problems: Problem[]): StepDefinition {
  const cfg = stepPart(map, 'cfg')
  const type = map.get('type')
  if (typeof type !== 'string' || type === '') {
    problems.push(problem(Severity.INFO, say('value_missing'), { stepId: key, field: 'uses' }))
  }
  const step: StepDefinition = {
    ...emptyStep,
    id: key,
    name: textOf(map.get('name')),
    uses: typeof type === 'string' && type !== '' ? type : 'custom',
    with: stepParams(map),
    needs: [],
    env: variables(stepPart(map, 'env')),
    disabled: map.get('on') === false,
    nodeId,
    position: { ...emptyPosition, ...point(map.get('pos')) },
  }
  const document = documentReader(cfg, problems, key)
  const fields = step as unknown as Record<string, unknown>
  for (const { key: field, of, kind } of configFields) {
    const value: unknown = kind.fromDocument(document, field)
    if (value !== undefined) fields[of] = value
  }
  return step
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

function point(value: unknown): Point {
  if (!isRecord(value)) return { x: 0, y: 0 }
  const { x, y } = value
  return {
    x: typeof x === 'number' && Number.isFinite(x) ? x : 0,
    y: typeof y === 'number' && Number.isFinite(y) ? y : 0,
  }
}
