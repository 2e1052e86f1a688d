// A step that someone else deletes while it is open here: it stays in the inspector, with all that is being written, until it
// is restored or left.
import type { DeletedStep } from '@ansflow/proto/pipeline-doc'
import { computed, nextTick, type Ref, ref, watch } from 'vue'
import { useEditor } from '../editor-context.ts'

export interface DeletedHere {
  /** What the inspector shows: the chosen step, also when it was deleted meanwhile. */
  shown: Readonly<Ref<string | undefined>>
  deleted: Readonly<Ref<DeletedStep | undefined>>
  restore(): void
  leave(): void
}

export function useDeletedStep(): DeletedHere {
  const editor = useEditor()
  const kept = ref<string>()
  const find = (nodeId: string | undefined) => editor.doc.deleted.value.find((step) => step.nodeId === nodeId)

  watch(
    editor.selected,
    ([node], [before, ...more]) => {
      if (node !== undefined) kept.value = undefined
      else if (before !== undefined && more.length === 0 && byOthers(find(before))) kept.value = before
    },
    { flush: 'sync' },
  )
  // Restored by whomever: the canvas has it again, and goes on from here.
  watch(editor.view, async (view) => {
    const node = kept.value
    if (node === undefined || !view.steps.has(node)) return
    await nextTick()
    if (kept.value !== node) return
    if (editor.canvas.value) editor.canvas.value.select([node])
    else editor.selected.value = [node]
    kept.value = undefined
  })

  function byOthers(step: DeletedStep | undefined): boolean {
    return step !== undefined && step.by !== editor.presence.me.userId
  }

  return {
    shown: computed(() => kept.value ?? (editor.selected.value.length === 1 ? editor.selected.value[0] : undefined)),
    deleted: computed(() => find(kept.value)),
    restore() {
      if (kept.value === undefined) return
      editor.doc.edit.restore([kept.value])
      editor.doc.refresh()
    },
    leave: () => {
      kept.value = undefined
    },
  }
}
