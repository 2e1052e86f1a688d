// The draft's problems in the order of the list, and going to the place of one: its step, its part of the inspector, its field.
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { computed, nextTick, ref, watch } from 'vue'
import { pathsOf, tabOf } from '../forms/inspector-tab.ts'
import type { EditorContext } from './editor-context.ts'

interface Show {
  /** Only the file is seen. */
  isFile(): boolean
  /** The form with what it stands beside. */
  makeRoom(): Promise<void>
  showFile(): Promise<void>
}

export function useProblems(editor: EditorContext, show: Show) {
  const { doc } = editor
  const sorted = computed(() => [...editor.problems.value].sort((a, b) => a.severity - b.severity))
  const at = ref(-1)
  // The mended text's problems stood first: the others have moved up.
  watch(editor.brokenYaml, (broken) => {
    if (!broken) at.value = -1
  })

  async function goTo(problem: Problem): Promise<void> {
    at.value = sorted.value.indexOf(problem)
    // What is inside of a template is seen in the file alone.
    const isInFile = problem.stepId === '' && problem.field.startsWith('templates.')
    if (isInFile || show.isFile() || editor.brokenYaml.value?.faults.includes(problem)) {
      await show.showFile()
      editor.yamlPlace.value = problem
      return
    }
    await show.makeRoom()
    const node = doc.nodeOfKey(problem.stepId)
    const uses = node ? (doc.definition(node)?.uses ?? '') : ''
    if (node) editor.inspectorTab.value = tabOf(problem.field, uses)
    editor.canvas.value?.select(node ? [node] : [])
    if (node) editor.canvas.value?.reveal(node)
    await nextTick()
    const frames = pathsOf(problem.field).map((path) =>
      document.querySelector(
        path.startsWith('env.')
          ? `[data-env="${CSS.escape(path.slice(4))}"]`
          : `[data-testid="inspector-field-${CSS.escape(path)}"]`,
      ),
    )
    const field = frames.find(Boolean)?.querySelector<HTMLElement>('input, textarea, .cm-content')
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
