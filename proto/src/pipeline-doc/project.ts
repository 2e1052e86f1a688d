// Owns the reading of the shared document: what graph it means, whatever people did to it at the same time. Pure; it never
// writes, and depends on nothing but the document's content, so every replica shows the same.

import {
  type IncludedTemplate,
  type PipelineGraph,
  PipelineGraphSchema,
  type Problem,
  Severity,
  type StepDefinition,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import * as Y from 'yjs'
import type { FileComments } from '../pipeline-yaml/comments.ts'
import { say } from '../texts/say.ts'
import { type AgentLabels, validateGraph } from '../validate.ts'
import { projectComments } from './comments.ts'
import { type ProjectedEdge, projectEdges } from './edges.ts'
import { problem } from './problem.ts'
import { projectInputs, projectSettings, variables } from './settings.ts'
import {
  compareText,
  type Deleted,
  freeKeys,
  isDeleted,
  isRecord,
  type Point,
  rootsOf,
  type StepMap,
  stepMap,
} from './shape.ts'
import { projectStep } from './step.ts'
import { projectTemplates } from './templates.ts'

export interface DeletedStep {
  nodeId: string
  key: string
  name: string
  by: string
  at: number
}

export interface Projection {
  graph: PipelineGraph
  problems: Problem[]
  /** Keys of edges that are in the document, but do not count: they would close a cycle, or double another edge. */
  suspended: string[]
  /** Every edge between living steps, suspended ones too, with the node ids of its ends. */
  edges: ProjectedEdge[]
  /** Steps that are deleted, but can be restored. */
  deleted: DeletedStep[]
  /** The last YAML text that was applied: `renderPipeline(graph, source, comments)` gives the file. */
  source: string
  /** Of the file, in place of those that its text has there. */
  comments: FileComments
}

/** `included`: what its `include` brings; without it templates that may come from there are not missed. */
export function project(doc: Y.Doc, agents?: AgentLabels, included: readonly IncludedTemplate[] = []): Projection {
  const shape = projectShape(doc)
  shape.graph.included = [...included]
  return { ...shape, problems: [...shape.problems, ...validateGraph(shape.graph, agents)] }
}

/** `project` without the validation of the graph, for where only its shape is wanted, at once. */
export function projectShape(doc: Y.Doc, readStep: typeof projectStep = projectStep): Projection {
  const roots = rootsOf(doc)
  const problems: Problem[] = []
  const { living, deleted } = readNodes(roots.nodes)
  const keys = nameNodes(living, problems)
  const steps = living.map(({ id, map }) => readStep(id, keys.get(id) as string, map, problems))
  spreadPositions(steps)
  const edges = projectEdges(roots.edges, steps, keys, problems)
  const source = roots.meta.get('source')
  return {
    graph: {
      ...create(PipelineGraphSchema, projectSettings(roots.settings, roots.triggers, problems)),
      inputs: projectInputs(roots.inputs, problems),
      env: variables(roots.vars),
      templates: projectTemplates(roots.templates),
      steps,
    },
    problems,
    suspended: edges.filter((edge) => edge.suspended).map((edge) => edge.key),
    edges,
    deleted,
    source: typeof source === 'string' ? source : '',
    comments: projectComments(roots.comments, keys),
  }
}

/** A deleted step as it would be if it were restored, for whoever still has it open; undefined when it is not deleted. */
export function projectDeletedStep(doc: Y.Doc, nodeId: string): StepDefinition | undefined {
  const roots = rootsOf(doc)
  const map = stepMap(doc, nodeId)
  if (!map || !isDeleted(map)) return undefined
  const keys = stepKeys(doc)
  const key = map.get('key')
  const step = projectStep(nodeId, typeof key === 'string' && key !== '' ? key : 'step', map, [])
  keys.set(nodeId, step.id)
  projectEdges(roots.edges, [step], keys, [])
  return step
}

/** The keys of the living steps in the projected file, by node id. */
export function stepKeys(doc: Y.Doc): Map<string, string> {
  return nameNodes(readNodes(rootsOf(doc).nodes).living, [])
}

interface Node {
  id: string
  map: StepMap
  ord: string
}

function readNodes(nodes: Y.Map<unknown>): { living: Node[]; deleted: DeletedStep[] } {
  const living: Node[] = []
  const deleted: DeletedStep[] = []
  nodes.forEach((map, id) => {
    if (!(map instanceof Y.Map)) return
    if (isDeleted(map)) {
      deleted.push(deletedStep(id, map))
    } else {
      const ord = map.get('ord')
      living.push({ id, map, ord: typeof ord === 'string' ? ord : '' })
    }
  })
  living.sort((a, b) => compareText(a.ord, b.ord) || compareText(a.id, b.id))
  deleted.sort((a, b) => b.at - a.at || compareText(a.nodeId, b.nodeId))
  return { living, deleted }
}

function deletedStep(nodeId: string, map: StepMap): DeletedStep {
  const del = map.get('del') as Deleted
  const key = map.get('key')
  const name = map.get('name')
  return {
    nodeId,
    key: typeof key === 'string' ? key : '',
    name: typeof name === 'string' ? name : '',
    by: isRecord(del) && typeof del.by === 'string' ? del.by : '',
    at: isRecord(del) && typeof del.at === 'number' ? del.at : 0,
  }
}

/** The keys that the living steps have in the file; a key that is taken gets -2, -3 … here, not in the document. */
function nameNodes(living: Node[], problems: Problem[]): Map<string, string> {
  const wanted = living.map(({ map }) => {
    const key = map.get('key')
    return typeof key === 'string' && key !== '' ? key : 'step'
  })
  // A key that somebody typed is never taken from them by a suffix that another step got.
  const typed = new Set(wanted)
  const taken = new Set<string>()
  const keys = new Map<string, string>()
  const otherKey = freeKeys((candidate) => taken.has(candidate) || typed.has(candidate))
  living.forEach(({ id }, index) => {
    const wish = wanted[index] as string
    const key = taken.has(wish) ? otherKey(wish) : wish
    taken.add(key)
    keys.set(id, key)
    if (key === wish) return
    problems.push(problem(Severity.WARNING, say('step_key_taken', { key: wish, used: key }), { stepId: key }))
  })
  return keys
}

function spreadPositions(steps: StepDefinition[]): void {
  const ranks = new Map<string, number>()
  for (const step of steps) {
    const position = step.position as Point
    const place = `${position.x},${position.y}`
    const rank = ranks.get(place) ?? 0
    ranks.set(place, rank + 1)
    position.x += rank * 20
    position.y += rank * 20
  }
}
