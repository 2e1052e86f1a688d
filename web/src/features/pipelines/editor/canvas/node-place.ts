// Where a node's two ends are right now, also while it is dragged.
import { useVueFlow } from '@vue-flow/core'
import { NODE_HEIGHT, NODE_WIDTH } from '../../graph/graph-view.ts'
import type { Place } from '../editor-context.ts'

export const flowId = 'pipeline'

export function useNodePlace() {
  const { findNode } = useVueFlow(flowId)

  function outOf(nodeId: string): Place | undefined {
    const node = findNode(nodeId)
    return node && { x: node.position.x + NODE_WIDTH, y: node.position.y + NODE_HEIGHT / 2 }
  }

  function into(nodeId: string): Place | undefined {
    const node = findNode(nodeId)
    return node && { x: node.position.x, y: node.position.y + NODE_HEIGHT / 2 }
  }

  return { outOf, into }
}
