// Which nodes are near what is seen: the view and half of it around, moved only after a quarter of a view was travelled.
import type { VueFlowStore } from '@vue-flow/core'
import { shallowRef, watch } from 'vue'
import { NODE_HEIGHT, NODE_WIDTH } from '../graph-view.ts'
import { useEditor } from './editor-context.ts'

interface Window {
  left: number
  top: number
  right: number
  bottom: number
  zoom: number
  view: number
}

export function useNearWindow(flow: VueFlowStore): void {
  const editor = useEditor()
  const near = shallowRef<Window>()

  function read(): Window {
    const { x, y, zoom } = flow.viewport.value
    const width = flow.dimensions.value.width / zoom
    const height = flow.dimensions.value.height / zoom
    const left = -x / zoom
    const top = -y / zoom
    return {
      left: left - width / 2,
      top: top - height / 2,
      right: left + width * 1.5,
      bottom: top + height * 1.5,
      zoom,
      view: Math.min(width, height),
    }
  }

  watch(
    [flow.viewport, flow.dimensions],
    () => {
      const next = read()
      const old = near.value
      const travelled = old ? Math.max(Math.abs(next.left - old.left), Math.abs(next.top - old.top)) : Infinity
      if (!old || travelled > next.view / 4 || next.zoom / old.zoom > 1.25 || next.zoom / old.zoom < 0.8)
        near.value = next
    },
    { deep: true, immediate: true },
  )

  editor.isNear = (nodeId) => {
    const window = near.value
    const step = editor.steps.get(nodeId)
    if (!window || !step) return true
    return (
      step.x < window.right &&
      step.x + NODE_WIDTH > window.left &&
      step.y < window.bottom &&
      step.y + NODE_HEIGHT > window.top
    )
  }
}
