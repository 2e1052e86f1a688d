// Keeps vue-flow's nodes equal to the projected steps: adds, removes and moves single nodes, never the whole list; and shows
// where others are dragging theirs.
import { type GraphNode, useNodesInitialized, type VueFlowStore } from '@vue-flow/core'
import { nextTick, watch } from 'vue'
import { type Place, useEditor } from '../editor-context.ts'

export function useCanvasNodes(flow: VueFlowStore) {
  const editor = useEditor()
  /** Places dropped here that the next projection will bring. */
  const dropped = new Map<string, Place>()
  let placed = false

  watch(
    editor.view,
    (view) => {
      const known = new Map(flow.nodes.value.map((node) => [node.id, node]))
      const gone = [...known.keys()].filter((id) => !view.steps.has(id))
      if (gone.length > 0) flow.removeNodes(gone, false)
      const fresh = [...view.steps.values()].filter((step) => !known.has(step.nodeId))
      if (fresh.length > 0) {
        flow.addNodes(fresh.map(({ nodeId, x, y }) => ({ id: nodeId, type: 'step', position: { x, y }, data: null })))
        // Chosen in another view, or before this one was left.
        const chosen = fresh.filter(({ nodeId }) => editor.selected.value.includes(nodeId))
        if (chosen.length > 0) flow.addSelectedNodes(chosen.flatMap(({ nodeId }) => flow.findNode(nodeId) ?? []))
      }
      for (const step of view.steps.values()) {
        const node = known.get(step.nodeId)
        if (node) place(node, step)
      }
      if (gone.length > 0) editor.selected.value = editor.selected.value.filter((id) => view.steps.has(id))
    },
    { immediate: true },
  )

  function place(node: GraphNode, step: Place): void {
    if (node.dragging) return
    const waiting = dropped.get(node.id)
    if (waiting && (waiting.x !== step.x || waiting.y !== step.y)) return
    dropped.delete(node.id)
    if (carried.has(node.id)) return
    if (node.position.x !== step.x || node.position.y !== step.y) node.position = { x: step.x, y: step.y }
  }

  /** Nodes that someone else is dragging right now. */
  const carried = new Set<string>()
  watch(
    () => [...editor.presence.drags.values()],
    (drags) => {
      const now = new Set<string>()
      for (const { ids, dx, dy } of drags) {
        for (const id of ids) {
          const step = editor.steps.get(id)
          const node = flow.findNode(id)
          if (!step || !node || node.dragging) continue
          now.add(id)
          node.position = { x: step.x + dx, y: step.y + dy }
        }
      }
      for (const id of carried) {
        if (now.has(id)) continue
        carried.delete(id)
        // The drop itself comes with the document; a drag that was given up goes back.
        setTimeout(() => {
          const step = editor.steps.get(id)
          const node = flow.findNode(id)
          if (step && node && !carried.has(id)) place(node, step)
        }, 150)
      }
      for (const id of now) carried.add(id)
    },
  )

  // An empty canvas stays as it is: its first step lies where it was dropped.
  watch(
    editor.doc.link.ready,
    (ready) => {
      if (!ready) return
      editor.doc.refresh()
      if (editor.view.value.steps.size === 0) placed = true
    },
    { immediate: true },
  )
  const initialized = useNodesInitialized()
  watch([initialized, editor.doc.link.ready], async ([measured, ready]) => {
    if (!measured || !ready || placed) return
    placed = true
    await nextTick()
    editor.canvas.value?.start()
  })

  return {
    movedHere(places: ReadonlyMap<string, Place>): void {
      for (const [id, place] of places) dropped.set(id, place)
      setTimeout(() => {
        for (const [id, place] of places) if (dropped.get(id) === place) dropped.delete(id)
      }, 500)
    },
  }
}
