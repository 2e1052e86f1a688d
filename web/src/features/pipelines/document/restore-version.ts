// Takes an old version back into the draft: in the open editor, so that it is one change of whoever restores it and can be undone.
import type { Said } from '@ansflow/proto/texts/say'
import { watch } from 'vue'
import { api } from '../../../api.ts'
import type { PipelineDocument } from './use-pipeline-doc.ts'

/** What the page of versions asks of the editor that it opens; a reload of that one restores nothing. */
let asked: { pipelineId: string; version: number } | undefined

export function askRestore(pipelineId: string, version: number): void {
  asked = { pipelineId, version }
}

/** Answers once what was asked for this pipeline. */
export function takeAskedRestore(pipelineId: string): number | undefined {
  const version = asked?.pipelineId === pipelineId ? asked.version : undefined
  asked = undefined
  return version
}

const giveUpAfterMs = 20_000

/** Answers why it was refused, if it was. Throws when the version or the document cannot be had. */
export async function restoreVersion(
  doc: PipelineDocument,
  pipelineId: string,
  version: number,
): Promise<Said | undefined> {
  const [{ graph, yaml }] = await Promise.all([api.pipelines.getPipeline({ pipelineId, version }), complete(doc)])
  if (!graph) return undefined
  const refused = doc.edit.apply(graph, yaml, 'restoreVersion')
  // A draft that says the same already is left as it is.
  if (doc.canUndo.value) doc.link.tell({ case: 'restored', value: { version } })
  return refused
}

/** What this browser alone has kept may be old: the change is made to what everybody has. */
function complete({ link }: PipelineDocument): Promise<void> {
  return new Promise((resolve, reject) => {
    const check = () => {
      if (link.mode.value !== 'edit' || !link.provider.synced) return
      end()
      resolve()
    }
    const timer = setTimeout(() => {
      end()
      reject(new Error('The live document did not answer.'))
    }, giveUpAfterMs)
    const stop = watch(link.mode, check)
    link.provider.on('sync', check)
    const end = () => {
      clearTimeout(timer)
      stop()
      link.provider.off('sync', check)
    }
    check()
  })
}
