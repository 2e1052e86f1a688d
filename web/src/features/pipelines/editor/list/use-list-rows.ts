// The rows of the list view: which one has the focus, what is chosen, and being for other parts what else the canvas is.
import { computed, nextTick, onBeforeUnmount, type Ref, ref, watch } from 'vue'
import { NODE_WIDTH } from '../../graph/graph-view.ts'
import { type StepRow, stepRows } from '../../graph/step-list.ts'
import { type CanvasHandle, type Place, useEditor } from '../editor-context.ts'

export function useListRows(frame: Ref<HTMLElement | undefined>) {
  const editor = useEditor()
  const rows = computed<StepRow[]>(() => stepRows(editor.view.value))
  const focused = ref<string>()
  /** The one row that Tab comes to. */
  const current = computed(() => {
    const there = rows.value.some(({ step }) => step.nodeId === focused.value)
    return there ? focused.value : rows.value[0]?.step.nodeId
  })

  const rowOf = (nodeId: string | undefined) =>
    nodeId === undefined ? undefined : (frame.value?.querySelector<HTMLElement>(`[data-node="${nodeId}"]`) ?? undefined)

  function choose(nodeIds: readonly string[]): void {
    const known = nodeIds.filter((id) => editor.steps.has(id))
    if (known.length > 0) {
      focused.value = known.at(-1)
      editor.selectedEdge.value = undefined
    }
    if (known.join() === editor.selected.value.join()) return
    editor.selected.value = known
    editor.presence.select(known)
  }

  function walk(to: number): void {
    const row = rows.value[Math.max(0, Math.min(rows.value.length - 1, to))]
    if (!row) return
    choose([row.step.nodeId])
    void nextTick(() => rowOf(row.step.nodeId)?.focus())
  }

  /** A step that goes takes the focus to the row that comes in its place. */
  let place = 0
  watch(rows, (now, before) => {
    const held = before.findIndex(({ step }) => step.nodeId === focused.value)
    if (held >= 0) place = held
    const gone = focused.value !== undefined && !editor.steps.has(focused.value)
    const hadFocus = document.activeElement === document.body || frame.value?.contains(document.activeElement)
    if (gone && hadFocus && now.length > 0) {
      const next = now[Math.min(place, now.length - 1)]
      focused.value = next?.step.nodeId
      void nextTick(() => rowOf(next?.step.nodeId)?.focus())
    }
    if (editor.selected.value.some((id) => !editor.steps.has(id))) {
      choose(editor.selected.value.filter((id) => editor.steps.has(id)))
    }
  })

  const box = () => frame.value?.getBoundingClientRect() ?? new DOMRect()
  const inFrame = (client: Place) => ({ x: client.x - box().left, y: client.y - box().top })
  const rest = () => undefined
  const handle: CanvasHandle = {
    focus: () => rowOf(current.value)?.focus(),
    pointer: rest,
    select: choose,
    reveal: (nodeId) => void nextTick(() => rowOf(nodeId)?.scrollIntoView({ block: 'nearest' })),
    fit: rest,
    panBy: rest,
    start: rest,
    zoomTo: rest,
    zoomBy: rest,
    toCanvas: () => handle.center(),
    toFrame: inFrame,
    onFrame() {
      const row = rowOf(current.value)?.getBoundingClientRect()
      return row ? inFrame({ x: row.left + 48, y: row.bottom }) : { x: 48, y: 96 }
    },
    size: () => ({ x: box().width, y: box().height }),
    // What is added without a place goes to the right of everything.
    center() {
      const steps = [...editor.steps.values()]
      const right = Math.max(0, ...steps.map((step) => step.x + NODE_WIDTH + 40))
      return { x: right + NODE_WIDTH / 2, y: (steps.at(-1)?.y ?? 0) + 28 }
    },
    contains: () => false,
    setViewport: rest,
    edgeAt: rest,
  }
  editor.canvas.value = handle
  onBeforeUnmount(() => {
    if (editor.canvas.value === handle) editor.canvas.value = undefined
    const chosen = editor.selected.value
    void nextTick(() => editor.canvas.value?.select(chosen))
  })

  return { rows, current, choose, walk }
}
