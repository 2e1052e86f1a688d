// Keeps a graph that is seen as a whole so when its frame changes, and puts it back when the frame has its size again.
import type { VueFlowStore } from '@vue-flow/core'
import { watch } from 'vue'
import { NODE_HEIGHT, NODE_WIDTH } from '../../graph/graph-view.ts'
import { type Bounds, isWhole, type Size, type View, wholeAgain } from './whole-view.ts'

const same = (a: View, b: View) => Math.abs(a.x - b.x) < 0.5 && Math.abs(a.y - b.y) < 0.5 && a.zoom === b.zoom

export function useWholeView(flow: VueFlowStore): void {
  /** What was moved here, if nobody has moved it since. */
  let moved: { from: View; to: View } | undefined
  /** The frame as it was last seen. */
  let size: Size | undefined

  function graph(): Bounds | undefined {
    const places = flow.nodes.value.map(({ position }) => position)
    if (places.length === 0) return undefined
    const left = Math.min(...places.map(({ x }) => x))
    const top = Math.min(...places.map(({ y }) => y))
    const width = Math.max(...places.map(({ x }) => x)) + NODE_WIDTH - left
    return { left, top, width, height: Math.max(...places.map(({ y }) => y)) + NODE_HEIGHT - top }
  }

  watch(
    () => ({ width: flow.dimensions.value.width, height: flow.dimensions.value.height }),
    (now) => {
      if (now.width === 0 || now.height === 0) return
      const before = size
      size = now
      const bounds = graph()
      if (!bounds || !before) return
      const at = { ...flow.viewport.value }
      const since = moved && same(moved.to, at) ? moved : undefined
      const back = since && isWhole(bounds, now, since.from) && now.width * now.height > before.width * before.height
      const to = back ? since.from : wholeAgain(bounds, before, now, at)
      if (!to) return
      moved = back ? undefined : { from: since?.from ?? at, to }
      void flow.setViewport(to)
    },
    { immediate: true },
  )
}
