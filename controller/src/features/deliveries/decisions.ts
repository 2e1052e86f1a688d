// Decisions as rows hold them: messages in JSON, each with which of the delivery's events it is of, by which whoever goes on with a
// delivery finds the ids of runs that may have been begun.
import { type DeliveryDecision, DeliveryDecisionSchema } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { saidText } from '@ansflow/proto/texts/said-text'
import { problemOf } from '@ansflow/proto/validate'
import { create, fromJson, type JsonObject, toJson } from '@bufbuild/protobuf'
import type { Decision } from './decide.ts'
import type { RepositoryDeliveryRow } from './delivery.entity.ts'
import type { StartTrust } from './judge.ts'

type Held = Pick<RepositoryDeliveryRow, 'decisions'>

export type ToDecide = Pick<Decision, 'pipelineId' | 'pipelineName' | 'path' | 'why'>

export function decisionsOf(row: Held): DeliveryDecision[] {
  return readAll(row).map((each) => fromJson(DeliveryDecisionSchema, each, { ignoreUnknownFields: true }))
}

/** By pipeline. */
export function runIdsOf(row: Held, event: number): Map<string, string> {
  const own = readAll(row).filter((each) => each.event === event)
  return new Map(own.map(({ pipelineId, runId }) => [String(pipelineId), String(runId ?? '')]))
}

/** What was to be started by one event of a delivery. It counts, whatever has become of the repository since. */
export interface Plan {
  /** All that was decided; with an id of a run: that was to be begun. */
  decisions: DeliveryDecision[]
  trust: StartTrust
  /** That runs are for; empty: none. */
  commit: string
}

/** Those of other events stay. `as`: how runs are planned, where whoever goes on is to hold to that. */
export function withDecisions(
  row: Held,
  event: number,
  decisions: DeliveryDecision[],
  as?: Pick<Plan, 'trust' | 'commit'>,
): string {
  const others = readAll(row).filter((each) => each.event !== event)
  const plan = { event, ...(as && { trust: { ...as.trust }, commit: as.commit }) }
  const own = decisions.map((each) => ({ ...(toJson(DeliveryDecisionSchema, each) as JsonObject), ...plan }))
  return JSON.stringify([...others, ...own])
}

/** Undefined: no run was to be begun. */
export function planOf(row: Held, event: number): Plan | undefined {
  const own = readAll(row).filter((each) => each.event === event)
  const decisions = decisionsOf({ decisions: JSON.stringify(own) })
  const [first] = own
  if (!first?.trust || decisions.every(({ runId }) => runId === '')) return undefined
  return { decisions, trust: first.trust as unknown as StartTrust, commit: String(first.commit) }
}

export function jsonOf(decisions: DeliveryDecision[]): string {
  return JSON.stringify(decisions.map((each) => toJson(DeliveryDecisionSchema, each)))
}

export function toDecision(
  { pipelineId, pipelineName, path, why }: ToDecide,
  run: { runId?: string; runNumber?: number },
): DeliveryDecision {
  const reason = why && { reason: saidText(why), reasonInfo: problemOf({ said: why, field: 'on' }) }
  return create(DeliveryDecisionSchema, { pipelineId, pipelineName, path, ...run, ...reason })
}

function readAll({ decisions }: Held): JsonObject[] {
  return JSON.parse(decisions) as JsonObject[]
}
