// The step that is explained beside the canvas: the one whose node is selected there.
import { computed } from 'vue'
import { standsFor } from '../../../runs/index.ts'
import { useEditor } from '../editor-context.ts'

export function useChosenStep() {
  const editor = useEditor()
  const chosen = computed(() => {
    const [node, ...more] = editor.selected.value
    const key = node !== undefined && more.length === 0 ? editor.steps.get(node)?.key : undefined
    return key === undefined ? undefined : editor.explain.stepOf(key)
  })
  function choose(stepId: string): void {
    const node = editor.doc.nodeOfKey(standsFor(stepId))
    if (node !== undefined) editor.canvas.value?.select([node])
  }
  return { chosen, choose }
}
