// Dragging a step type to the canvas: a ghost under the pointer, the line below it lit when the step would be put on it.
import { useVueFlow } from '@vue-flow/core'
import { shallowRef } from 'vue'
import { typeTitle } from '../../step-text.ts'
import { flowId } from '../canvas/node-place.ts'
import { useEditor } from '../editor-context.ts'
import { useStepCommands } from '../use-step-commands.ts'

interface Ghost {
  type: string
  title: string
  x: number
  y: number
  zoom: number
}

export function usePaletteDrag() {
  const editor = useEditor()
  const { viewport } = useVueFlow(flowId)
  const { insertAfterSelection, selectSoon } = useStepCommands()
  const ghost = shallowRef<Ghost>()

  function startDrag(event: PointerEvent, type: string): void {
    if (event.button !== 0 || !editor.canEdit.value) return
    event.preventDefault()
    const start = { x: event.clientX, y: event.clientY }
    const move = (moved: PointerEvent) => {
      if (!ghost.value && Math.hypot(moved.clientX - start.x, moved.clientY - start.y) < 4) return
      const zoom = Math.max(0.3, viewport.value.zoom)
      const client = { x: moved.clientX, y: moved.clientY }
      ghost.value = { type, title: typeTitle(type), x: client.x - 100 * zoom, y: client.y - 28 * zoom, zoom }
      editor.dropEdge.value = editor.canvas.value?.edgeAt(client)
    }
    const stop = () => {
      window.removeEventListener('pointermove', move)
      window.removeEventListener('pointerup', drop)
      window.removeEventListener('keydown', cancel, true)
      ghost.value = undefined
      editor.dropEdge.value = undefined
    }
    const drop = (dropped: PointerEvent) => {
      const dragged = ghost.value !== undefined
      const insertOn = editor.dropEdge.value
      stop()
      if (!dragged) {
        insertAfterSelection(type)
        return
      }
      const client = { x: dropped.clientX, y: dropped.clientY }
      const canvas = editor.canvas.value
      if (!canvas?.contains(client)) return
      const at = canvas.toCanvas(client)
      void selectSoon([editor.doc.edit.add({ type, at: { x: at.x - 100, y: at.y - 28 }, insertOn })], true)
    }
    const cancel = (key: KeyboardEvent) => {
      if (key.key !== 'Escape') return
      key.stopPropagation()
      stop()
    }
    window.addEventListener('pointermove', move)
    window.addEventListener('pointerup', drop)
    window.addEventListener('keydown', cancel, true)
  }

  return { ghost, startDrag }
}
