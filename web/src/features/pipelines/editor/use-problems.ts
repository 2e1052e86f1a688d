// The draft's problems in the order of the list, and going to the place of one: its step, its part of the inspector, its field.
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { computed, nextTick, ref, watch } from 'vue'
import { fieldOf, tabOf } from '../inspector-tab.ts'
import type { EditorContext } from './editor-context.ts'

/** `makeRoom` shows the canvas with the inspector, `showFile` the file. */
export function useProblems(editor: EditorContext, show: { makeRoom(): Promise<void>; showFile(): Promise<void> }) {
  const { doc } = editor
  const sorted = computed(() => [...editor.problems.value].sort((a, b) => a.severity - b.severity))
  const at = ref(-1)
  // The mended text's problems stood first: the others have moved up.
  watch(editor.brokenYaml, (broken) => {
    if (!broken) at.value = -1
  })

  async function goTo(problem: Problem): Promise<void> {
    at.value = sorted.value.indexOf(problem)
    if (editor.brokenYaml.value?.faults.includes(problem)) {
      await show.showFile()
      editor.yamlLine.value = problem.line
      return
    }
    await show.makeRoom()
    const node = doc.nodeOfKey(problem.stepId)
    if (node) editor.inspectorTab.value = tabOf(problem.field)
    editor.canvas.value?.select(node ? [node] : [])
    if (node) editor.canvas.value?.reveal(node)
    await nextTick()
    const frame = document.querySelector(`[data-testid="inspector-field-${CSS.escape(fieldOf(problem.field))}"]`)
    const field = frame?.querySelector<HTMLElement>('input, textarea, .cm-content')
    if (field) field.focus()
    else editor.canvas.value?.focus()
  }

  function next(step: 1 | -1): void {
    const all = sorted.value
    if (all.length === 0) return
    const from = at.value < 0 && step < 0 ? 0 : at.value
    void goTo(all[(from + step + all.length) % all.length]!)
  }

  return { sorted, current: computed(() => sorted.value[at.value]), goTo, next }
}
