// Owns the reading of the edges of the shared document: which count, and which are suspended because they cannot hold together.

import {
  NeedKind,
  NeedSchema,
  type Problem,
  Severity,
  type StepDefinition,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import type * as Y from 'yjs'
import { say } from '../texts/say.ts'
import { problem } from './problem.ts'
import { compareEdges, type EdgeKind, type EdgeValue, edgeValue, parseEdgeKey } from './shape.ts'

export interface ProjectedEdge {
  key: string
  /** Node ids. */
  from: string
  to: string
  kind: EdgeKind
  condition: string
  suspended: boolean
}

export const needKinds: Record<EdgeKind, NeedKind> = {
  success: NeedKind.SUCCESS,
  failure: NeedKind.FAILURE,
  always: NeedKind.ALWAYS,
}

const emptyNeed = create(NeedSchema)

interface OrderedEdge extends ProjectedEdge {
  c: EdgeValue['c']
}

/** Fills the steps' needs. `keys` are those of the living steps by node id. */
export function projectEdges(
  edges: Y.Map<unknown>,
  steps: StepDefinition[],
  keys: ReadonlyMap<string, string>,
  problems: Problem[],
): ProjectedEdge[] {
  const ordered = readEdges(edges, keys)
  suspendDoubles(ordered, keys, problems)
  suspendCycles(ordered, keys, problems)
  const byId = new Map(steps.map((step) => [step.nodeId, step]))
  for (const { from, to, kind, condition, suspended } of ordered) {
    if (suspended) continue
    const stepId = keys.get(from) as string
    byId.get(to)?.needs.push({ ...emptyNeed, stepId, kind: needKinds[kind], condition })
  }
  return ordered.map(({ c: _, ...edge }) => edge)
}

/** Edges with two living, different ends, in the order in which they count. */
function readEdges(edges: Y.Map<unknown>, keys: ReadonlyMap<string, string>): OrderedEdge[] {
  const found: OrderedEdge[] = []
  edges.forEach((value, key) => {
    const ends = parseEdgeKey(key)
    if (!ends || ends.from === ends.to || !keys.has(ends.from) || !keys.has(ends.to)) return
    const { cond, c } = edgeValue(value)
    found.push({ key, ...ends, condition: cond, suspended: false, c })
  })
  return found.sort(compareEdges)
}

/** Two steps are joined once; of several kinds drawn at the same time the latest counts. */
function suspendDoubles(ordered: OrderedEdge[], keys: ReadonlyMap<string, string>, problems: Problem[]): void {
  const latest = new Map<string, OrderedEdge>()
  for (const edge of ordered) {
    const pair = `${edge.from}>${edge.to}`
    const earlier = latest.get(pair)
    latest.set(pair, edge)
    if (!earlier) continue
    earlier.suspended = true
    const [from, to] = [keys.get(edge.from) as string, keys.get(edge.to) as string]
    problems.push(
      problem(Severity.WARNING, say('edge_doubled', { from, to, kind: edge.kind }), {
        stepId: to,
        field: 'needs',
        params: { edge: earlier.key },
      }),
    )
  }
}

function suspendCycles(ordered: OrderedEdge[], keys: ReadonlyMap<string, string>, problems: Problem[]): void {
  const active = ordered.filter((edge) => !edge.suspended)
  if (isAcyclic(active)) return
  const next = new Map<string, string[]>()
  for (const edge of active) {
    if (reaches(next, edge.to, edge.from)) {
      edge.suspended = true
      const [from, to] = [keys.get(edge.from) as string, keys.get(edge.to) as string]
      problems.push(
        problem(Severity.ERROR, say('edge_suspended', { from, to }), {
          stepId: to,
          field: 'needs',
          params: { edge: edge.key },
        }),
      )
      continue
    }
    const targets = next.get(edge.from)
    if (targets) targets.push(edge.to)
    else next.set(edge.from, [edge.to])
  }
}

/** Peels off steps nothing leads to; what cannot be peeled is on or behind a cycle. */
function isAcyclic(edges: readonly OrderedEdge[]): boolean {
  const incoming = new Map<string, number>()
  const next = new Map<string, string[]>()
  for (const { from, to } of edges) {
    incoming.set(to, (incoming.get(to) ?? 0) + 1)
    if (!incoming.has(from)) incoming.set(from, 0)
    const targets = next.get(from)
    if (targets) targets.push(to)
    else next.set(from, [to])
  }
  const free = [...incoming].filter(([, count]) => count === 0).map(([id]) => id)
  let peeled = 0
  for (let id = free.pop(); id !== undefined; id = free.pop()) {
    peeled += 1
    for (const target of next.get(id) ?? []) {
      const left = (incoming.get(target) as number) - 1
      incoming.set(target, left)
      if (left === 0) free.push(target)
    }
  }
  return peeled === incoming.size
}

function reaches(next: ReadonlyMap<string, string[]>, from: string, to: string): boolean {
  const seen = new Set<string>([from])
  const open = [from]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === to) return true
    for (const target of next.get(id) ?? []) {
      if (seen.has(target)) continue
      seen.add(target)
      open.push(target)
    }
  }
  return false
}
