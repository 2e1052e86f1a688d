// The one text form of a pipeline's content, and its hash: what says whether two drafts or versions are the same.
import { InputType, type PipelineGraph, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { withDefaults } from './defaults.ts'
import { compare, type Kind } from './fields/kind.ts'
import { pipelineFields } from './fields/pipeline-fields.ts'
import { stepFields } from './fields/step-fields.ts'
import { triggerFields } from './fields/trigger-fields.ts'
import { defaultOf } from './inputs.ts'

/**
 * JSON with sorted keys, sets (needs, env, labels, secrets, outputs) sorted, and without what belongs to the canvas (node ids,
 * positions). Two graphs that mean the same give the same text, in every version of this program: the fields of the first
 * are always there, later ones only where they say something.
 */
export function canonicalGraph(graph: PipelineGraph): string {
  return stableJson({
    ...fieldsOf(pipelineFields, graph),
    inputs: graph.inputs.map((input) => ({
      name: input.name,
      type: InputType[input.type || InputType.STRING]!,
      description: input.description,
      default: defaultOf(input) ?? null,
      options: [...input.options],
      required: input.required,
    })),
    ...canonicalTriggers(graph),
    steps: graph.steps.map(canonicalStep),
    // What a step says that is the usual is no more the same as saying nothing.
    ...(graph.defaults && { effective: withDefaults(graph).steps.map(canonicalStep) }),
  })
}

export function canonicalTriggers({ triggers }: PipelineGraph): { [name: string]: JsonValue } {
  return { manual: triggers?.manual ?? true, ...(triggers && fieldsOf(triggerFields, triggers)) }
}

/** SHA-256 of the canonical text, in hex. */
export function graphHash(graph: PipelineGraph): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalGraph(graph))))
}

function canonicalStep(step: StepDefinition): JsonValue {
  return { id: step.id, uses: step.uses, with: step.with ?? {}, ...fieldsOf(stepFields, step) }
}

interface HashedField {
  of: string
  kind: Pick<Kind<unknown>, 'canonical' | 'absent'>
  hashedAlways?: true
}

function fieldsOf<T extends object>(fields: readonly HashedField[], message: T): Record<string, JsonValue> {
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
