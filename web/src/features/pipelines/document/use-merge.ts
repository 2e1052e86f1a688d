// Notices when this page comes back from working alone, and what the merge then brought together.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { projectShape } from '@ansflow/proto/pipeline-doc'
import { onScopeDispose, type ShallowRef, shallowRef, watch } from 'vue'
import { type MergeSummary, mergeSummary } from './merge-summary.ts'
import type { PipelineDocument } from './use-pipeline-doc.ts'

export interface Merge {
  summary: ShallowRef<MergeSummary | undefined>
  close(): void
}

export function useMerge(doc: PipelineDocument): Merge {
  const summary = shallowRef<MergeSummary>()
  const { state, provider } = doc.link
  /** The last graph that the controller had all of. */
  let shared: PipelineGraph | undefined
  let away = false
  let mine: PipelineGraph | undefined

  const back = ({ status }: { status: string }) => {
    if (status === 'connected' && away && shared) mine = projectShape(doc.ydoc).graph
  }
  provider.on('status', back)
  onScopeDispose(() => provider.off('status', back))

  watch(
    [state, doc.graph],
    ([now]) => {
      if (now === 'offline') away = shared !== undefined
      if (now !== 'saved' || !provider.synced) return
      const graph = away ? projectShape(doc.ydoc).graph : doc.graph.value
      if (away && shared && mine) {
        const found = mergeSummary(shared, mine, graph)
        summary.value = found.mine > 0 ? found : undefined
      }
      shared = graph
      away = false
      mine = undefined
    },
    { flush: 'sync' },
  )

  return {
    summary,
    close: () => {
      summary.value = undefined
    },
  }
}
