// What keys, menus and buttons do with steps: add, connect, delete, duplicate, copy, paste, tidy, undo – each tells what it did.
import type { UndoOutcome } from '@ansflow/proto/pipeline-doc'
import { nextTick } from 'vue'
import { useI18n } from 'vue-i18n'
import { sentences } from '../../../ui/sentences.ts'
import { closeToast, showToast } from '../../../ui/toasts.ts'
import { clipboardKind, clipboardText } from '../document/clipboard.ts'
import { freePlace, type GraphView, NODE_HEIGHT, NODE_WIDTH } from '../graph/graph-view.ts'
import { tidy as askForTidy } from '../graph/tidy.ts'
import { problemText } from '../problem-text.ts'
import { type EditorContext, type Place, useEditor } from './editor-context.ts'

let deletedToast = 0

/** Its "Undo" would do nothing any more, or something else. */
export function closeDeletedToast(): void {
  closeToast(deletedToast)
}

/** `editor` only in the component that gives it. */
export function useStepCommands(editor: EditorContext = useEditor()) {
  const { t } = useI18n()
  const titles = (ids: readonly string[]) =>
    ids.length === 1 ? (editor.steps.get(ids[0]!)?.title ?? '') : t('pipelines.step.count', ids.length)

  /** `placed` by hand: then the canvas does not move under the pointer. */
  async function selectSoon(made: readonly (string | undefined)[] = [], placed = false): Promise<void> {
    const ids = made.filter((id) => id !== undefined)
    // What was refused was told already.
    if (ids.length === 0) return
    editor.doc.refresh()
    await nextTick()
    editor.canvas.value?.select(ids)
    editor.canvas.value?.focus()
    if (ids.length === 1 && !placed) editor.canvas.value?.reveal(ids[0]!)
  }

  /** The list of step types: after a step, or where the canvas is empty. */
  function quickAdd(after?: string): void {
    const canvas = editor.canvas.value
    if (!canvas || !editor.canEdit.value) return
    const step = after === undefined ? undefined : editor.steps.get(after)
    const { x, y } = canvas.center()
    const at = step ? { x: step.x + NODE_WIDTH + 40, y: step.y } : { x: x - NODE_WIDTH / 2, y: y - NODE_HEIGHT / 2 }
    if (step) canvas.reveal(step.nodeId)
    editor.quickAdd.value = {
      screen: canvas.onFrame(at),
      at,
      connectFrom: step && { nodeId: step.nodeId, kind: 'success' },
    }
  }

  function quickAddOn(edgeKey: string, middle: Place): void {
    const canvas = editor.canvas.value
    if (!canvas || !editor.canEdit.value) return
    const at = { x: middle.x - NODE_WIDTH / 2, y: middle.y - NODE_HEIGHT / 2 }
    editor.quickAdd.value = { screen: canvas.onFrame({ x: middle.x, y: middle.y + 12 }), at, insertOn: edgeKey }
  }

  /** From left to right; a line that would close a cycle is left out, and the reason is told. */
  function connectChosen(ids: readonly string[]): void {
    if (!editor.canEdit.value || ids.length === 0) return
    if (ids.length === 1) {
      editor.connectFrom.value = ids[0]
      return
    }
    const steps = ids.flatMap((id) => editor.steps.get(id) ?? []).sort((a, b) => a.x - b.x || a.y - b.y)
    const pairs: { from: string; to: string }[] = []
    for (let i = 1; i < steps.length; i++) {
      const from = steps[i - 1]!.nodeId
      const to = steps[i]!.nodeId
      const cycle = editor.doc.cycle(from, to)
      if (cycle) refuse(cycle)
      else pairs.push({ from, to })
    }
    if (pairs.length > 0) editor.doc.edit.connectAll(pairs)
  }

  function refuse(cycle: readonly string[]): void {
    showToast({ kind: 'failed', text: t('pipelines.edge.wouldCycle', { path: cycle.join(' → ') }) })
  }

  function enable(ids: readonly string[], on: boolean): void {
    if (editor.canEdit.value && ids.length > 0) editor.doc.edit.enable(ids, on)
  }

  function remove(ids: readonly string[]): void {
    if (!editor.canEdit.value || ids.length === 0) return
    const name = titles(ids)
    const busy = ids.flatMap((id) => editor.presence.selections.get(id) ?? []).map((person) => person.name)
    const past = editor.doc.edit.remove(ids)
    if (!past) return
    deletedToast = showToast({
      text: sentences(
        t('pipelines.toast.deleted', { name }),
        past.length > 0 ? t('pipelines.toast.joined', past.length) : '',
        busy.length > 0 ? t('pipelines.toast.wasEditing', { name: busy[0]! }) : '',
      ),
      action: {
        label: t(busy.length > 0 ? 'pipelines.deleted.restore' : 'pipelines.toast.undo'),
        run: () => editor.doc.edit.restore(ids, past),
      },
    })
  }

  function duplicate(ids: readonly string[]): void {
    if (editor.canEdit.value && ids.length > 0) void selectSoon(editor.doc.edit.duplicate(ids, { x: 40, y: 80 }))
  }

  function copied(ids: readonly string[]): string | undefined {
    return ids.length > 0 ? clipboardText(editor.doc.edit.copy(ids)) : undefined
  }

  /** For a menu: keys bring a clipboard event of their own. */
  async function copy(ids: readonly string[]): Promise<void> {
    const text = copied(ids)
    if (text === undefined) return
    try {
      await navigator.clipboard.writeText(text)
      showToast({ text: t('pipelines.toast.copied', { name: titles(ids) }) })
    } catch {
      showToast({ text: t('pipelines.toast.copyByKey') })
    }
  }

  function paste(text: string, at: Place): void {
    if (!editor.canEdit.value) return
    const kind = clipboardKind(text)
    if (kind === 'script') {
      void selectSoon([editor.doc.edit.add({ type: 'custom', at, script: text })])
    } else if (kind === 'pipeline') {
      const pasted = editor.doc.edit.paste(text, freePlace(at, editor.steps.values()))
      if (!pasted) return
      const { nodeIds, problems } = pasted
      if (nodeIds.length > 0) void selectSoon(nodeIds)
      else
        showToast({ kind: 'failed', text: problems[0] ? problemText(problems[0]) : t('pipelines.toast.nothingPasted') })
    }
  }

  async function tidy(): Promise<void> {
    if (!editor.canEdit.value) return
    const chosen = editor.selected.value.length > 1 ? new Set(editor.selected.value) : undefined
    const view: GraphView = editor.view.value
    const places = await askForTidy({
      steps: [...view.steps.values()]
        .filter((step) => !chosen || chosen.has(step.nodeId))
        .map(({ nodeId, x, y }) => ({ id: nodeId, x, y })),
      edges: [...view.edges.values()].filter(
        (edge) => !edge.suspended && (!chosen || (chosen.has(edge.source) && chosen.has(edge.target))),
      ),
    })
    // A person who drags keeps their node.
    const carried = new Set([...editor.presence.drags.values()].flatMap((drag) => drag.ids))
    const moved = new Map(Object.entries(places).filter(([id]) => !carried.has(id) && editor.steps.has(id)))
    if (moved.size > 0) editor.doc.edit.tidy(moved)
    else showToast({ text: t('pipelines.toast.alreadyTidy') })
    editor.doc.refresh()
    await nextTick()
    if (!chosen) editor.canvas.value?.fit()
  }

  function said({ label, overwritten }: UndoOutcome, key: 'undid' | 'redid'): void {
    closeDeletedToast()
    if (overwritten.length > 0) {
      showToast({
        kind: 'warning',
        text: t('pipelines.toast.overwritten', { skipped: overwritten[0]!, label: label ?? '–' }),
      })
    } else if (label) showToast({ text: t(`pipelines.toast.${key}`, { label }) })
  }

  function insertAfterSelection(type: string): void {
    const chosen = editor.selected.value
    const last = chosen.length === 1 ? editor.steps.get(chosen[0]!) : undefined
    const center = editor.canvas.value?.center() ?? { x: 0, y: 0 }
    const at = last
      ? { x: last.x + NODE_WIDTH + 40, y: last.y }
      : { x: center.x - NODE_WIDTH / 2, y: center.y - NODE_HEIGHT / 2 }
    const connectFrom = last ? { nodeId: last.nodeId, kind: 'success' as const } : undefined
    void selectSoon([editor.doc.edit.add({ type, at, connectFrom })])
  }

  return {
    quickAdd,
    quickAddOn,
    connectChosen,
    refuse,
    enable,
    remove,
    duplicate,
    copied,
    copy,
    paste,
    tidy,
    insertAfterSelection,
    selectSoon,
    undo: () => editor.canEdit.value && said(editor.doc.undo(), 'undid'),
    redo: () => editor.canEdit.value && said(editor.doc.redo(), 'redid'),
  }
}
