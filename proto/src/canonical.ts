// The one text form of a pipeline's content, and its hash: what says whether two drafts or versions are the same.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { canonicalInput, canonicalStep, fieldsOf, stableJson } from './canonical-parts.ts'
import { withDefaults } from './defaults.ts'
import { pipelineFields } from './fields/pipeline-fields.ts'
import { canonicalTemplates } from './fields/templates.ts'
import { triggerFields } from './fields/trigger-fields.ts'

export { stableJson } from './canonical-parts.ts'

/**
 * JSON with sorted keys, sets (needs, env, labels, secrets, outputs) sorted, and without what belongs to the canvas (node ids,
 * positions). Two graphs that mean the same give the same text, in every version of this program: the fields of the first
 * are always there, later ones only where they say something.
 */
export function canonicalGraph(graph: PipelineGraph): string {
  return stableJson({
    ...fieldsOf(pipelineFields, graph),
    inputs: graph.inputs.map(canonicalInput),
    ...canonicalTriggers(graph),
    steps: graph.steps.map(canonicalStep),
    // What a step says that is the usual is no more the same as saying nothing.
    ...(graph.defaults && { effective: withDefaults(graph).steps.map(canonicalStep) }),
  })
}

export function canonicalTriggers({ triggers }: PipelineGraph): { [name: string]: JsonValue } {
  return { manual: triggers?.manual ?? true, ...(triggers && fieldsOf(triggerFields, triggers)) }
}

/** SHA-256 of the canonical text, in hex: of what the file says. */
export function graphHash(graph: PipelineGraph): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalGraph(graph))))
}

/** Of what a version is: its file, and the templates that it includes. The same as `graphHash` where it includes none. */
export function versionHash(graph: PipelineGraph): string {
  if (graph.included.length === 0) return graphHash(graph)
  const included = graph.included.flatMap(({ template }) => (template ? canonicalTemplates([template]) : []))
  return bytesToHex(sha256(utf8ToBytes(`${canonicalGraph(graph)}\n${stableJson(included)}`)))
}
