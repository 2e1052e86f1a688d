// What canonical.ts is made of: the one text form of steps and inputs.
import { type InputDefinition, InputType, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import { compare, type Kind } from './fields/kind.ts'
import { stepFields } from './fields/step-fields.ts'
import { defaultOf } from './inputs.ts'

export function canonicalInput(input: InputDefinition): JsonValue {
  return {
    name: input.name,
    type: InputType[input.type || InputType.STRING]!,
    description: input.description,
    default: defaultOf(input) ?? null,
    options: [...input.options],
    required: input.required,
  }
}

export function canonicalStep(step: StepDefinition): JsonValue {
  return { id: step.id, uses: step.uses, with: step.with ?? {}, ...fieldsOf(stepFields, step) }
}

interface HashedField {
  of: string
  kind: Pick<Kind<unknown>, 'canonical' | 'absent'>
  hashedAlways?: true
}

export function fieldsOf<T extends object>(fields: readonly HashedField[], message: T): Record<string, JsonValue> {
  const found: Record<string, JsonValue> = {}
  for (const { of, kind, hashedAlways } of fields) {
    const value = kind.canonical(message[of as unknown as keyof T] as never)
    if (hashedAlways || stableJson(value) !== stableJson(kind.canonical(kind.absent as never))) found[of] = value
  }
  return found
}

/** JSON whose object keys are sorted at every depth. */
export function stableJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(stableJson).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const keys = Object.keys(value).sort(compare)
    return `{${keys.map((key) => `${JSON.stringify(key)}:${stableJson(value[key]!)}`).join(',')}}`
  }
  return JSON.stringify(value)
}
