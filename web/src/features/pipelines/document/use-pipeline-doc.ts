// The live pipeline in the console: what the document says, read-only and per step reactive, and the named ways to change it.

import { type PipelineGraph, type Problem, Severity, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { wouldCycle } from '@ansflow/proto/graph'
import {
  createGate,
  createShapeReader,
  createUndo,
  type DeletedStep,
  type Gate,
  projectDeletedStep,
  stepText,
  type Undo,
  type UndoOutcome,
} from '@ansflow/proto/pipeline-doc'
import { renderPipeline } from '@ansflow/proto/pipeline-yaml'
import { withIncludeProblems } from '@ansflow/proto/templates/included'
import { type AgentLabels, validateGraph } from '@ansflow/proto/validate'
import { noRepositoryProblems } from '@ansflow/proto/validate/no-repository'
import { computed, onScopeDispose, type Ref, ref, type ShallowRef, shallowReactive, shallowRef, watch } from 'vue'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { type EdgeView, type GraphView, graphView, type StepView } from '../graph/graph-view.ts'
import { tellRefused } from '../refused-text.ts'
import { stepSummary } from '../step-text.ts'
import { type CollabLink, openCollabLink } from './collab-link.ts'
import { createGuardedEdits, type Edits } from './guarded-edits.ts'
import { type Includes, useIncludes } from './use-includes.ts'
import { useLacking } from './use-lacking.ts'

export interface PipelineDocument {
  ydoc: Y.Doc
  awareness: Awareness
  link: CollabLink
  graph: ShallowRef<PipelineGraph>
  problems: ShallowRef<readonly Problem[]>
  /** The first for which it can neither run nor be explained. */
  fault: Readonly<Ref<Problem | undefined>>
  /** What the problems are looked for with; undefined: not known. */
  agents: Readonly<Ref<AgentLabels | undefined>>
  /** Templates from elsewhere; the graph has them as far as they are known. */
  includes: Includes
  deleted: ShallowRef<readonly DeletedStep[]>
  source: Ref<string>
  /** The file that says all of it. */
  file(): string
  view: ShallowRef<GraphView>
  steps: Map<string, StepView>
  edges: Map<string, EdgeView>
  edit: Edits
  canUndo: Ref<boolean>
  canRedo: Ref<boolean>
  undo(): UndoOutcome
  redo(): UndoOutcome
  /** For the editors of texts. */
  typing: Pick<Undo, 'follow' | 'isTyping'> & Pick<Gate, 'refusesText'>
  /** Also of a step that was deleted and may come back. */
  definition(nodeId: string): StepDefinition | undefined
  nodeOfKey(key: string): string | undefined
  text(nodeId: string, name: string): Y.Text | undefined
  /** Titles along the cycle an edge would close. */
  cycle(from: string, to: string): string[] | undefined
  /** Reads the document now, not in the next frame. */
  refresh(): void
}

const validateAfterMs = 250

export function usePipelineDoc(
  pipelineId: string,
  userId: string,
  agents: Readonly<Ref<AgentLabels | undefined>>,
  isFile: () => boolean = () => false,
): PipelineDocument {
  const ydoc = new Y.Doc()
  const link = openCollabLink(ydoc, pipelineId, userId)
  const origin = { user: userId }
  const undoer = createUndo(ydoc, origin)
  const gate = createGate(ydoc, link.waitingBytes)
  const reader = createShapeReader(ydoc)
  const first = reader.read()
  const graph = shallowRef(first.graph)
  const shapeProblems = shallowRef<readonly Problem[]>([])
  const graphProblems = shallowRef<readonly Problem[]>([])
  const lacking = useLacking(pipelineId, link.state)
  const includes = useIncludes(pipelineId)
  const own = computed(() =>
    withIncludeProblems([...shapeProblems.value, ...graphProblems.value], includes.problems.value),
  )
  const fault = computed(() => own.value.find(({ severity }) => severity === Severity.ERROR))
  const problems = computed(() => [...own.value, ...lacking.problems.value])
  const deleted = shallowRef<readonly DeletedStep[]>([])
  const source = ref('')
  let comments = first.comments
  const view = shallowRef<GraphView>({ steps: new Map(), edges: new Map() })
  const steps = shallowReactive(new Map<string, StepView>())
  const edges = shallowReactive(new Map<string, EdgeView>())
  const canUndo = ref(false)
  const canRedo = ref(false)
  let projectedEdges = first.edges
  let frame = 0
  let validating: ReturnType<typeof setTimeout> | undefined

  function refresh(): void {
    cancelAnimationFrame(frame)
    frame = 0
    const shape = reader.read()
    graph.value = whole(shape.graph)
    includes.look(shape.graph)
    shapeProblems.value = shape.problems
    deleted.value = shape.deleted
    source.value = shape.source
    comments = shape.comments
    projectedEdges = shape.edges
    draw()
    clearTimeout(validating)
    validating = setTimeout(validate, validateAfterMs)
  }

  function whole(shape: PipelineGraph): PipelineGraph {
    const included = shape.include.length > 0 ? includes.included.value : []
    return included.length > 0 ? { ...shape, included: [...included] } : shape
  }

  function draw(): void {
    view.value = graphView(
      {
        graph: graph.value,
        problems: problems.value,
        edges: projectedEdges,
        summary: (step) => stepSummary(step, graph.value),
      },
      view.value,
    )
    assign(steps, view.value.steps)
    assign(edges, view.value.edges)
  }

  function validate(): void {
    const found = validateGraph(graph.value, agents.value)
    graphProblems.value = isFile() ? found : [...found, ...noRepositoryProblems(graph.value)]
    lacking.look(graph.value)
    draw()
  }

  const soon = () => {
    // A hidden tab gets no frames; what it knows must still be right when it is asked.
    if (document.hidden) frame ||= window.setTimeout(refresh, 100)
    else frame ||= requestAnimationFrame(refresh)
  }
  ydoc.on('update', soon)
  const offUndo = undoer.onChange(() => {
    const { undo, redo } = undoer.state()
    canUndo.value = undo.length > 0
    canRedo.value = redo.length > 0
  })
  refresh()
  watch(agents, validate)
  watch(lacking.problems, draw)
  watch([includes.included, includes.problems], () => refresh())

  onScopeDispose(() => {
    cancelAnimationFrame(frame)
    clearTimeout(validating)
    offUndo()
    undoer.destroy()
    gate.destroy()
    reader.destroy()
    ydoc.off('update', soon)
    link.close()
    ydoc.destroy()
  })

  const titleOf = (key: string) => graph.value.steps.find((step) => step.id === key)?.name || key

  return {
    ydoc,
    awareness: link.provider.awareness,
    link,
    graph,
    problems: problems as unknown as ShallowRef<readonly Problem[]>,
    fault,
    agents,
    includes,
    deleted,
    source,
    file: () => renderPipeline(graph.value, source.value, comments),
    view,
    steps,
    edges,
    edit: createGuardedEdits({ ydoc, origin, undo: undoer, gate, view: () => view.value, onRefused: tellRefused }),
    canUndo,
    canRedo,
    undo: () => undoer.undo(),
    redo: () => undoer.redo(),
    typing: { ...undoer, refusesText: gate.refusesText },
    definition: (nodeId) =>
      graph.value.steps.find((step) => step.nodeId === nodeId) ?? projectDeletedStep(ydoc, nodeId),
    nodeOfKey: (key) => graph.value.steps.find((step) => step.id === key)?.nodeId,
    text: (nodeId, name) => stepText(ydoc, nodeId, name),
    cycle(from, to) {
      const a = steps.get(from)
      const b = steps.get(to)
      if (!a || !b) return undefined
      const path = wouldCycle(graph.value.steps, a.key, b.key)
      return path ? [titleOf(a.key), ...path.map(titleOf)] : undefined
    },
    refresh,
  }
}

function assign<V>(map: Map<string, V>, next: ReadonlyMap<string, V>): void {
  for (const key of [...map.keys()]) if (!next.has(key)) map.delete(key)
  for (const [key, value] of next) if (map.get(key) !== value) map.set(key, value)
}
