// Whether someone else has just changed a form's field, so that it can show it for a moment in their colour.
import { rootsOf, stepMap, stepPart } from '@ansflow/proto/pipeline-doc'
import { onScopeDispose, type ShallowRef, shallowRef } from 'vue'
import type * as Y from 'yjs'
import { useEditor } from '../../editor-context.ts'

export interface FieldFlash {
  /** Of the person's colour; undefined: it is not known who. */
  who: number | undefined
}

const lastsMs = 1600

/** `node`: empty for the pipeline's own settings. */
export function useFieldFlash(node: () => string, path: () => string): ShallowRef<FieldFlash | undefined> {
  const { doc, presence } = useEditor()
  const flash = shallowRef<FieldFlash>()
  let timer: ReturnType<typeof setTimeout> | undefined

  function changes({ changed }: Y.Transaction): boolean {
    const step = node() === '' ? undefined : stepMap(doc.ydoc, node())
    const maps = step ? [stepPart(step, 'params'), stepPart(step, 'cfg'), step] : [rootsOf(doc.ydoc).settings]
    return maps.some((map) => map !== undefined && changed.get(map as never)?.has(path()))
  }
  function person(): number | undefined {
    const there = presence.fields.get(`${node()}/${path()}`)
    if (there) return there.who
    const [only, ...more] = presence.selections.get(node()) ?? []
    return more.length === 0 ? only?.who : undefined
  }
  const watcher = (transaction: Y.Transaction) => {
    if (transaction.origin !== doc.link.provider || doc.link.state.value === 'connecting' || !changes(transaction))
      return
    flash.value = { who: person() }
    clearTimeout(timer)
    timer = setTimeout(() => {
      flash.value = undefined
    }, lastsMs)
  }
  doc.ydoc.on('afterTransaction', watcher)
  onScopeDispose(() => {
    clearTimeout(timer)
    doc.ydoc.off('afterTransaction', watcher)
  })
  return flash
}
