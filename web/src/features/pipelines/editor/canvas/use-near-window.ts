// Which nodes are near what is seen: the view and half of it around, moved only after a quarter of a view was travelled.
import type { VueFlowStore } from '@vue-flow/core'
import { shallowRef, watch } from 'vue'
import { NODE_HEIGHT, NODE_WIDTH } from '../../graph/graph-view.ts'
import { useEditor } from '../editor-context.ts'

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

  const inWindow = (left: number, top: number, right: number, bottom: number) => {
    const { value: window } = near
    return !window || (left < window.right && right > window.left && top < window.bottom && bottom > window.top)
  }
  editor.isNear = (nodeId) => {
    const step = editor.steps.get(nodeId)
    return !step || inWindow(step.x, step.y, step.x + NODE_WIDTH, step.y + NODE_HEIGHT)
  }
  editor.isLineNear = ({ source, target }) => {
    const from = editor.steps.get(source)
    const to = editor.steps.get(target)
    if (!from || !to) return true
    return inWindow(
      Math.min(from.x, to.x),
      Math.min(from.y, to.y),
      Math.max(from.x, to.x) + NODE_WIDTH,
      Math.max(from.y, to.y) + NODE_HEIGHT,
    )
  }
}
