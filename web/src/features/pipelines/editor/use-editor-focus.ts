// Where the focus goes when what had it has gone, and when a step is opened by a key.
import { nextTick } from 'vue'
import type { EditorContext } from './editor-context.ts'

export function useEditorFocus(editor: EditorContext, showInspector: () => void) {
  /** To the canvas; without one to the choice of views, from where keys and Tab lead on. */
  async function holdFocus(): Promise<void> {
    await nextTick()
    if (document.activeElement !== document.body) return
    if (editor.canvas.value) editor.canvas.value.focus()
    else document.querySelector<HTMLElement>('[data-testid="view-switch"] input:checked')?.focus()
  }

  async function openInspector(field?: 'name'): Promise<void> {
    showInspector()
    await nextTick()
    const name = document.querySelector<HTMLInputElement>('[data-testid="step-name"]')
    if (field) name?.select()
    else document.querySelector<HTMLElement>('[data-testid="inspector"] [role="tab"][aria-selected="true"]')?.focus()
  }

  return { holdFocus, openInspector }
}
