// The editor's one layer of keys. Rests while somebody types or composes text; copy and paste come as the browser's own events.
import { onScopeDispose } from 'vue'
import { isTyping } from '../../../ui/use-hotkeys.ts'
import { downstream, neighbour, upstream } from '../graph/graph-view.ts'
import type { EditorContext } from './editor-context.ts'
import { useStepCommands } from './use-step-commands.ts'

export interface EditorActions {
  run(): void
  runTo(nodeId: string): void
  save(): void
  toggle(panel: 'palette' | 'drawer' | 'inspector' | 'map' | 'yaml'): void
  showKeys(): void
  nextProblem(step: 1 | -1): void
  openInspector(field?: 'name'): void
}

const arrows: Record<string, 'left' | 'right' | 'up' | 'down'> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
}
/** What keys do to the chosen steps; in a panel they belong to what is focused there. */
const onCanvasOnly = new Set(['Enter', 'Delete', 'Backspace', ...Object.keys(arrows)])
/** Work from within a field too. */
const anywhere = new Set(['mod+s', 'mod+Enter', 'mod+b', 'mod+j', 'mod+i', 'F8', 'shift+F8'])
const nudges = { left: [-20, 0], right: [20, 0], up: [0, -20], down: [0, 20] } as const

export function useEditorKeys(editor: EditorContext, actions: EditorActions): void {
  const commands = useStepCommands(editor)
  const chosen = () => editor.selected.value

  function nudge(direction: keyof typeof nudges, far: boolean): void {
    const [dx, dy] = nudges[direction]
    const times = far ? 5 : 1
    const places = new Map(
      chosen().flatMap((id) => {
        const step = editor.steps.get(id)
        return step ? [[id, { x: step.x + dx * times, y: step.y + dy * times }] as const] : []
      }),
    )
    if (editor.canEdit.value && places.size > 0) editor.doc.edit.move(places)
  }

  function walk(direction: keyof typeof nudges): void {
    const from = chosen().at(-1)
    const first = [...editor.steps.values()].sort((a, b) => a.x - b.x || a.y - b.y)[0]?.nodeId
    const to = from ? neighbour(editor.view.value, from, direction) : first
    if (!to) return
    editor.canvas.value?.select([to])
    editor.canvas.value?.reveal(to)
  }

  function reach(direction: 'left' | 'right'): void {
    const find = direction === 'left' ? upstream : downstream
    const all = new Set(chosen().flatMap((id) => [id, ...find(editor.view.value, id)]))
    editor.canvas.value?.select([...all])
  }

  function leave(): void {
    if (document.activeElement !== document.body && !onCanvas(document.activeElement)) editor.canvas.value?.focus()
    else if (editor.quickAdd.value) editor.quickAdd.value = undefined
    else if (editor.presence.following.value !== undefined) editor.presence.follow(undefined)
    else if (editor.selectedEdge.value) editor.selectedEdge.value = undefined
    else editor.canvas.value?.select([])
  }

  const plain: Record<string, () => void> = {
    n: () => commands.quickAdd(chosen().length === 1 ? chosen()[0] : undefined),
    c: () => commands.connectChosen(chosen()),
    e: () =>
      commands.enable(
        chosen(),
        chosen().every((id) => editor.steps.get(id)?.disabled),
      ),
    m: () => actions.toggle('map'),
    y: () => actions.toggle('yaml'),
    '?': actions.showKeys,
    '1': () => editor.canvas.value?.fit(),
    '0': () => editor.canvas.value?.zoomTo(1),
    '2': () => chosen().length > 0 && editor.canvas.value?.fit(chosen()),
    '+': () => editor.canvas.value?.zoomBy(1.25),
    '=': () => editor.canvas.value?.zoomBy(1.25),
    '-': () => editor.canvas.value?.zoomBy(0.8),
    F2: () => chosen().length === 1 && actions.openInspector('name'),
    Enter: () => actions.openInspector(),
    'shift+Enter': () => chosen().length === 1 && actions.runTo(chosen()[0]!),
    F8: () => actions.nextProblem(1),
    'shift+F8': () => actions.nextProblem(-1),
    Escape: leave,
    Delete: removeChosen,
    Backspace: removeChosen,
    'shift+ArrowLeft': () => reach('left'),
    'shift+ArrowRight': () => reach('right'),
    'shift+alt+t': () => void commands.tidy(),
  }
  const withMod: Record<string, () => void> = {
    a: () => editor.canvas.value?.select([...editor.steps.keys()]),
    d: () => commands.duplicate(chosen()),
    z: commands.undo,
    'shift+z': commands.redo,
    y: commands.redo,
    s: actions.save,
    b: () => actions.toggle('palette'),
    j: () => actions.toggle('drawer'),
    i: () => actions.toggle('inspector'),
    Enter: actions.run,
  }

  function removeChosen(): void {
    if (editor.selectedEdge.value && editor.canEdit.value) {
      editor.doc.edit.disconnect([editor.selectedEdge.value])
      editor.selectedEdge.value = undefined
    } else commands.remove(chosen())
  }

  function onKey(event: KeyboardEvent): void {
    if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return
    const mod = event.ctrlKey || event.metaKey
    if (document.querySelector('[aria-modal="true"]') || editor.stepMenu.value) return
    const base = event.key.length === 1 ? event.key.toLowerCase() : event.key
    // The text of "?" and "+" already tells of the shift key.
    const shift = event.shiftKey && (base.length > 1 || /[a-z]/.test(base)) ? 'shift+' : ''
    const letter = event.altKey && event.code.startsWith('Key') ? event.code.slice(3).toLowerCase() : base
    const pressed = `${mod ? 'mod+' : ''}${shift}${event.altKey ? 'alt+' : ''}${letter}`
    const act = mod ? withMod[shift + base] : plain[pressed]
    if (isTyping(event.target) && !anywhere.has(pressed)) {
      // Out of a field, back to the graph; what the field itself does with Esc comes first.
      if (pressed !== 'Escape' || inDialog(event.target)) return
    }
    if (!mod && onCanvasOnly.has(base) && event.target !== document.body && !onCanvas(event.target)) return
    const direction = arrows[event.key]
    if (direction && mod) nudge(direction, event.shiftKey)
    else if (direction && !event.shiftKey && !event.altKey) walk(direction)
    else if (act) act()
    else return
    event.preventDefault()
  }

  // A text editor that has taken the event may have redrawn the line it came to, so its target no longer tells where it was.
  const onCopy = (event: ClipboardEvent) => {
    if (event.defaultPrevented || isTyping(event.target) || (window.getSelection()?.toString() ?? '') !== '') return
    const text = commands.copied(chosen())
    if (text === undefined || !event.clipboardData) return
    event.clipboardData.setData('text/plain', text)
    event.preventDefault()
    if (event.type === 'cut') commands.remove(chosen())
  }
  const onPaste = (event: ClipboardEvent) => {
    if (event.defaultPrevented || isTyping(event.target) || document.querySelector('[aria-modal="true"]')) return
    const at = editor.canvas.value?.pointer() ?? editor.canvas.value?.center() ?? { x: 0, y: 0 }
    commands.paste(event.clipboardData?.getData('text/plain') ?? '', { x: at.x - 100, y: at.y - 28 })
    event.preventDefault()
  }

  window.addEventListener('keydown', onKey)
  document.addEventListener('copy', onCopy)
  document.addEventListener('cut', onCopy)
  document.addEventListener('paste', onPaste)
  onScopeDispose(() => {
    window.removeEventListener('keydown', onKey)
    document.removeEventListener('copy', onCopy)
    document.removeEventListener('cut', onCopy)
    document.removeEventListener('paste', onPaste)
  })
}

/** The canvas itself and what is drawn on it, not the controls that lie over it. */
function onCanvas(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest('[data-testid="canvas"]') !== null && !target.closest('button, input')
  )
}

function inDialog(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[role="dialog"]') !== null
}
