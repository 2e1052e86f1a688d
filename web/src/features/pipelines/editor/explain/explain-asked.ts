// What is to be explained on the canvas of a pipeline, as it travels with the browser's history: a reload shows the same.
import { type ExplainRunRequest, ExplainRunRequestSchema } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { fromJson, type JsonValue, toJson } from '@bufbuild/protobuf'
import type { HistoryState, RouteLocationRaw } from 'vue-router'

/** Of the canvas, for a link. */
export function onCanvas(project: string, asked: ExplainRunRequest): RouteLocationRaw {
  const state = { explain: toJson(ExplainRunRequestSchema, asked) } as unknown as HistoryState
  return { path: `/p/${project}/pipelines/${asked.pipelineId}/edit`, state }
}

export function explainAsked(state: unknown): ExplainRunRequest | undefined {
  const kept = (state as { explain?: JsonValue } | null)?.explain
  if (kept === undefined) return undefined
  try {
    return fromJson(ExplainRunRequestSchema, kept, { ignoreUnknownFields: true })
  } catch {
    // Kept by another version of the console.
    return undefined
  }
}
