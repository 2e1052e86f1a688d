// What the editor's parts share: given once by the page, injected everywhere below it.
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { LostValue } from '@ansflow/proto/pipeline-yaml/merge'
import { type InjectionKey, inject, type Ref, type ShallowRef } from 'vue'
import type { PipelineDocument } from '../document/use-pipeline-doc.ts'
import type { Presence } from '../document/use-presence.ts'
import type { InspectorTab } from '../forms/inspector-tab.ts'
import type { EdgeKind, EdgeView, GraphView, StepView } from '../graph/graph-view.ts'
import type { RunOverlay } from '../use-run-overlay.ts'
import type { Explanation } from './explain/use-explain.ts'

/** How much of a node is drawn; one value for the whole canvas. */
export type Detail = 'full' | 'plain' | 'block'

export interface Place {
  x: number
  y: number
}

/** A line being drawn from a step's handle. */
export interface Connecting {
  from: string
  kind: EdgeKind
  to: Place
  /** The step under the pointer. */
  over: string | undefined
  /** Titles along the cycle that the line would close. */
  cycle: string[] | undefined
}

/** The list of step types at a place, and what to do with the chosen one. */
export interface QuickAdd {
  /** Pixels in the canvas frame. */
  screen: Place
  /** Where on the canvas the step goes. */
  at: Place
  connectFrom?: { nodeId: string; kind: EdgeKind } | undefined
  insertOn?: string | undefined
}

export interface BrokenYaml {
  /** What the document said when this began to differ from it. */
  base: string
  text: string
  /** What keeps it from being the graph; one at least. */
  faults: readonly Problem[]
}

/** The menu of the chosen steps, at a place of the window. */
export interface StepMenuPlace extends Place {
  ids: readonly string[]
}

export type DrawerTab = 'problems' | 'log'

export interface EditorContext {
  pipelineId: string
  /** Where it is kept: its project, and its repository or "". */
  home: { projectId: string; repositoryId: string }
  doc: PipelineDocument
  presence: Presence
  overlay: RunOverlay
  /** What a run would do, in the place of one. */
  explain: Explanation
  canEdit: Readonly<Ref<boolean>>
  /** Per-key reactive: one changed step redraws one node. */
  steps: Map<string, StepView>
  edges: Map<string, EdgeView>
  view: ShallowRef<GraphView>
  detail: Ref<Detail>
  selected: ShallowRef<readonly string[]>
  selectedEdge: Ref<string | undefined>
  connecting: ShallowRef<Connecting | undefined>
  quickAdd: ShallowRef<QuickAdd | undefined>
  /** Edge keys under a dragged palette item. */
  dropEdge: Ref<string | undefined>
  stepMenu: ShallowRef<StepMenuPlace | undefined>
  /** The step for which a list of others to connect with is open. */
  connectFrom: Ref<string | undefined>
  inspectorTab: Ref<InspectorTab>
  /** What is open below the canvas. */
  drawer: Ref<DrawerTab | undefined>
  /** All there is to mend, what was typed here as YAML and cannot be read among it, as the list, the head and publishing tell it. */
  problems: Readonly<Ref<readonly Problem[]>>
  /** Typed as YAML and not to be read: it stays here until it is mended, whatever view is shown. */
  brokenYaml: ShallowRef<BrokenYaml | undefined>
  /** What was written in the file and is not in it, because somebody else has changed or deleted the same. */
  lost: ShallowRef<readonly LostValue[]>
  /** The place in the file that is to be shown next: what a problem is about, or, of what cannot be read, its line. */
  yamlPlace: ShallowRef<Problem | undefined>
  /** Whether a node is near the window; others draw an empty box of the same size. */
  isNear(nodeId: string): boolean
  /** The same for a line: others are not drawn. */
  isLineNear(edge: EdgeView): boolean
  canvas: ShallowRef<CanvasHandle | undefined>
}

/** What other parts may ask of the canvas. */
export interface CanvasHandle {
  /** The keys of the canvas work from here on. */
  focus(): void
  /** Where the pointer is over it. */
  pointer(): Place | undefined
  select(nodeIds: readonly string[]): void
  reveal(nodeId: string): void
  fit(nodeIds?: readonly string[]): void
  /** The first look: all of it, or its beginning when all of it would be too small to work with. */
  start(): void
  zoomTo(zoom: number): void
  zoomBy(factor: number): void
  toCanvas(client: Place): Place
  toFrame(client: Place): Place
  /** Pixels in the frame of a place on the canvas. */
  onFrame(place: Place): Place
  /** Width and height of the frame. */
  size(): Place
  center(): Place
  contains(client: Place): boolean
  setViewport(x: number, y: number, zoom: number): void
  /** Moves what is seen by pixels, at once. */
  panBy(x: number, y: number): void
  edgeAt(client: Place): string | undefined
}

export const editorKey: InjectionKey<EditorContext> = Symbol('editor')

export function useEditor(): EditorContext {
  const editor = inject(editorKey)
  if (!editor) throw new Error('This part lives inside the pipeline editor.')
  return editor
}
