// The one text form of a pipeline's content, and its hash: what says whether two drafts or versions are the same.
import {
  InputType,
  NeedKind,
  OnLost,
  type PipelineGraph,
  RetryOn,
  type StepDefinition,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { defaultOf } from './inputs.ts'

/**
 * JSON with sorted keys, defaults written out, sets (needs, env, labels, secrets, outputs) sorted, and without what belongs to
 * the canvas (node ids, positions). Two graphs that mean the same give the same text.
 */
export function canonicalGraph(graph: PipelineGraph): string {
  return stableJson({
    name: graph.name,
    description: graph.description,
    inputs: graph.inputs.map((input) => ({
      name: input.name,
      type: InputType[input.type || InputType.STRING]!,
      description: input.description,
      default: defaultOf(input) ?? null,
      options: [...input.options],
      required: input.required,
    })),
    env: sortedPairs(graph.env),
    timeoutMs: graph.timeoutMs,
    manual: graph.triggers?.manual ?? true,
    steps: graph.steps.map(canonicalStep),
  })
}

/** SHA-256 of the canonical text, in hex. */
export function graphHash(graph: PipelineGraph): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalGraph(graph))))
}

function canonicalStep(step: StepDefinition): JsonValue {
  return {
    id: step.id,
    name: step.name,
    description: step.description,
    uses: step.uses,
    with: step.with ?? {},
    needs: step.needs
      .map((need) => ({
        step: need.stepId,
        on: NeedKind[need.kind || NeedKind.SUCCESS]!,
        if: need.condition,
      }))
      .sort((a, b) => compare(a.step, b.step)),
    when: step.when,
    retry:
      step.retry === undefined || step.retry.max === 0
        ? null
        : {
            max: step.retry.max,
            delayMs: step.retry.delayMs,
            backoff: step.retry.backoff || 1,
            on: (step.retry.on.length === 0 ? [RetryOn.FAILED, RetryOn.TIMEOUT] : [...new Set(step.retry.on)])
              .sort((a, b) => a - b)
              .map((on) => RetryOn[on]!),
          },
    timeoutMs: step.timeoutMs,
    allowFailure: step.allowFailure,
    runsOn: sortedSet(step.runsOn),
    workspace: step.workspace || 'shared',
    env: sortedPairs(step.env),
    secrets: sortedSet(step.secrets),
    outputs: sortedSet(step.outputs),
    onLost: OnLost[step.onLost || OnLost.FAIL]!,
    disabled: step.disabled,
  }
}

function sortedPairs(pairs: readonly { name: string; value: string }[]): JsonValue {
  return pairs.map(({ name, value }) => [name, value]).sort((a, b) => compare(a[0]!, b[0]!))
}

function sortedSet(words: readonly string[]): JsonValue {
  return [...new Set(words)].sort(compare)
}

/** By UTF-16 units: the same on every machine, whatever its language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
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
