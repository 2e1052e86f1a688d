// Takes an old version back into the draft: joins the live document, makes it mean the version, waits until that is stored.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { applyGraph } from '@ansflow/proto/pipeline-doc'
import { watch } from 'vue'
import * as Y from 'yjs'
import { openCollabLink } from './collab-link.ts'

const giveUpAfterMs = 20_000

export async function restoreVersion(
  pipelineId: string,
  userId: string,
  graph: PipelineGraph,
  yaml: string,
): Promise<void> {
  const doc = new Y.Doc()
  const link = openCollabLink(doc, pipelineId, userId)
  try {
    await until(link.provider, () => link.provider.synced && link.mode.value !== undefined, [link.state, link.mode])
    applyGraph(doc, graph, yaml, { user: userId })
    await until(link.provider, () => link.state.value === 'saved', [link.state, link.unsent])
  } finally {
    link.close()
    doc.destroy()
  }
}

function until(
  provider: { on(name: 'sync', listener: () => void): void },
  holds: () => boolean,
  sources: Parameters<typeof watch>[0],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const check = () => {
      if (!holds()) return
      clearTimeout(timer)
      stop()
      resolve()
    }
    const stop = watch(sources, check)
    const timer = setTimeout(() => {
      stop()
      reject(new Error('The live document did not answer.'))
    }, giveUpAfterMs)
    provider.on('sync', check)
    check()
  })
}
