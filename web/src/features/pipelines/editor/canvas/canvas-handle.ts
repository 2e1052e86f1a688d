// What other parts of the editor may do with the canvas, in terms of steps and places.
import type { VueFlowStore } from '@vue-flow/core'
import type { Ref } from 'vue'
import { NODE_HEIGHT, NODE_WIDTH } from '../../graph/graph-view.ts'
import type { CanvasHandle, Place } from '../editor-context.ts'

/** Below this, names are hard to read and handles hard to hold. */
const smallest = 0.5
/** Steps. */
const smallGraph = 20

/** Pixels that a revealed step keeps from the frame's edges, where the tools are. */
const room = { side: 60, top: 72, bottom: 84 }

/** How far from..to must move to lie within low..high. */
function into(from: number, to: number, low: number, high: number): number {
  if (from < low) return low - from
  return to > high ? high - to : 0
}

export function createCanvasHandle(
  flow: VueFlowStore,
  frame: Ref<HTMLElement | undefined>,
  pointer: () => Place | undefined,
): CanvasHandle {
  const still = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches
  const duration = () => (still() ? 0 : 200)
  const box = () => frame.value?.getBoundingClientRect() ?? new DOMRect()

  function toFrame(client: Place): Place {
    const { left, top } = box()
    return { x: client.x - left, y: client.y - top }
  }

  function toCanvas(client: Place): Place {
    const place = toFrame(client)
    const { x, y, zoom } = flow.viewport.value
    return { x: (place.x - x) / zoom, y: (place.y - y) / zoom }
  }

  function fit(nodeIds?: readonly string[]): void {
    const nodes = nodeIds ? { nodes: [...nodeIds] } : {}
    // A graph that one can work with as a whole keeps its handles, even when its ends are then out of sight.
    const minZoom = flow.nodes.value.length <= smallGraph ? smallest : 0.05
    void flow.fitView({ ...nodes, padding: 0.12, maxZoom: 1, minZoom, duration: duration() })
  }

  return {
    focus: () => frame.value?.focus({ preventScroll: true }),
    pointer,
    select(nodeIds) {
      flow.removeSelectedElements()
      flow.addSelectedNodes(nodeIds.flatMap((id) => flow.findNode(id) ?? []))
    },
    reveal(nodeId) {
      const node = flow.findNode(nodeId)
      if (!node) return
      const { x, y, zoom } = flow.viewport.value
      const { width, height } = box()
      const left = node.position.x * zoom + x
      const top = node.position.y * zoom + y
      if (zoom < smallest) {
        const middle = { x: node.position.x + NODE_WIDTH / 2, y: node.position.y + NODE_HEIGHT / 2 }
        void flow.setCenter(middle.x, middle.y, { zoom: smallest, duration: duration() })
        return
      }
      // Only as far as it takes: what stands around stays in sight.
      const dx = into(left, left + NODE_WIDTH * zoom, room.side, width - room.side)
      const dy = into(top, top + NODE_HEIGHT * zoom, room.top, height - room.bottom)
      if (dx !== 0 || dy !== 0) void flow.setViewport({ x: x + dx, y: y + dy, zoom }, { duration: duration() })
    },
    fit,
    start() {
      const nodes = flow.nodes.value
      const { width, height } = box()
      if (nodes.length === 0 || width === 0) return
      const left = Math.min(...nodes.map((node) => node.position.x))
      const top = Math.min(...nodes.map((node) => node.position.y))
      const wide = Math.max(...nodes.map((node) => node.position.x)) + NODE_WIDTH - left
      const high = Math.max(...nodes.map((node) => node.position.y)) + NODE_HEIGHT - top
      const whole = Math.min(1, (width - 80) / wide, (height - 170) / high)
      const zoom = Math.max(whole, smallest)
      const x = wide * zoom > width - 80 ? 32 : (width - wide * zoom) / 2
      const y = Math.max(72, (height - high * zoom) / 2)
      void flow.setViewport({ x: x - left * zoom, y: y - top * zoom, zoom })
    },
    zoomTo: (zoom) => void flow.zoomTo(zoom, { duration: duration() }),
    zoomBy: (factor) => void flow.zoomTo(flow.viewport.value.zoom * factor, { duration: duration() }),
    toCanvas,
    toFrame,
    onFrame(place) {
      const { x, y, zoom } = flow.viewport.value
      return { x: place.x * zoom + x, y: place.y * zoom + y }
    },
    size: () => ({ x: box().width, y: box().height }),
    center() {
      const { left, top, width, height } = box()
      return toCanvas({ x: left + width / 2, y: top + height / 2 })
    },
    contains(client) {
      const { left, top, right, bottom } = box()
      return client.x > left && client.x < right && client.y > top && client.y < bottom
    },
    setViewport: (x, y, zoom) => void flow.setViewport({ x, y, zoom }),
    panBy(dx, dy) {
      const { x, y, zoom } = flow.viewport.value
      void flow.setViewport({ x: x + dx, y: y + dy, zoom })
    },
    edgeAt(client) {
      const element = document.elementFromPoint(client.x, client.y)
      return element instanceof SVGElement ? element.dataset['edge'] : undefined
    },
  }
}
