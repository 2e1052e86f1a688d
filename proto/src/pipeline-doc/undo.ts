// Owns undo of one person's own changes to the shared document, and saying when others have overwritten what was to be undone.
import * as Y from 'yjs'
import { rememberOverwritten } from './overwritten.ts'
import { type EditOrigin, editedRoots } from './shape.ts'

export interface UndoOutcome {
  /** Label of the gesture that was undone or redone; undefined: nothing was left to do. */
  label: string | undefined
  /** Labels of later gestures that were passed over, because others have changed the same since. Latest first. */
  overwritten: string[]
  /** What `remember` answered when the gesture was made: viewport, selection. */
  view: unknown
}

export interface UndoState {
  /** Labels, latest first. */
  undo: string[]
  redo: string[]
}

export interface Undo {
  /** Name of the gesture that comes next ("Move 3 steps"). */
  name(label: string): void
  undo(): UndoOutcome
  redo(): UndoOutcome
  /** What a text editor's own binding writes with this origin are gestures too. Answers how to stop. */
  follow(origin: unknown, text: Y.Text, label: string): () => void
  /** Whether the last gesture, or the last one that was undone, is typing in this text: an editor of it undoes no more than that. */
  isTyping(text: Y.Text, direction: 'undo' | 'redo'): boolean
  state(): UndoState
  /** Called whenever the state may have changed. Answers how to stop. */
  onChange(listener: () => void): () => void
  destroy(): void
}

interface Memory {
  label: string
  view: unknown
  /** Of typing: where. */
  text?: Y.Text | undefined
}

const memoryKey = 'ansflow'

/** Letters that follow each other within this time in one text are one gesture. */
const typingMs = 1000

/**
 * Undo of the transactions made with `origin`, each one step, and of what is typed in texts that it follows, a stretch of typing
 * one step. `remember` is asked for the view at every gesture.
 */
export function createUndo(doc: Y.Doc, origin: EditOrigin, remember: () => unknown = () => undefined): Undo {
  const followed = new Map<unknown, { text: Y.Text; label: string }>()
  let lastText: Y.Text | undefined
  const overwritten = rememberOverwritten()
  const manager: Y.UndoManager = new Y.UndoManager(
    editedRoots.map((root) => doc.getMap(root)),
    {
      trackedOrigins: new Set<unknown>([origin]),
      captureTimeout: 0,
      // What nothing has taken the place of when all is brought back.
      deleteFilter: (item) => !overwritten.bringBack(item),
      captureTransaction(transaction) {
        overwritten.note(transaction)
        const { origin: of } = transaction
        const text = followed.get(of)?.text
        if (text === undefined && of !== origin) return true
        manager.captureTimeout = text !== undefined && text === lastText ? typingMs : 0
        lastText = text
        return true
      },
    },
  )
  const listeners = new Set<() => void>()
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  let nextLabel = ''
  // What undo pushes on the other stack belongs to the gesture being undone.
  let carried: Memory | undefined

  manager.on('stack-item-added', ({ stackItem, origin: of }) => {
    const typed = followed.get(of)
    stackItem.meta.set(memoryKey, carried ?? { label: typed?.label ?? nextLabel, view: remember(), text: typed?.text })
    if (!carried && typed === undefined) nextLabel = ''
    changed()
  })
  manager.on('stack-cleared', changed)
  manager.on('stack-item-popped', changed)

  const stackOf = (direction: 'undo' | 'redo') => (direction === 'undo' ? manager.undoStack : manager.redoStack)

  function step(direction: 'undo' | 'redo'): UndoOutcome {
    lastText = undefined
    const stack = stackOf(direction)
    const before = stack.map(memoryOf)
    // The item that Yjs will really take is not known before; the pushed counterpart is named afterwards.
    carried = { label: '', view: undefined }
    const done = direction === 'undo' ? manager.undo() : manager.redo()
    carried = undefined
    const left = stackOf(direction).length
    const popped = before.slice(left).reverse()
    const taken = done ? popped.pop() : undefined
    const counterpart = (direction === 'undo' ? manager.redoStack : manager.undoStack).at(-1)
    if (taken && counterpart) counterpart.meta.set(memoryKey, taken)
    changed()
    return { label: taken?.label, overwritten: popped.map(({ label }) => label), view: taken?.view }
  }

  return {
    name: (label) => {
      nextLabel = label
    },
    undo: () => step('undo'),
    redo: () => step('redo'),
    follow(of, text, label) {
      followed.set(of, { text, label })
      manager.addTrackedOrigin(of)
      return () => {
        followed.delete(of)
        manager.removeTrackedOrigin(of)
      }
    },
    isTyping: (text, direction) => memoryOf(stackOf(direction).at(-1) ?? { meta: new Map() }).text === text,
    state: () => ({
      undo: manager.undoStack.map((item) => memoryOf(item).label).reverse(),
      redo: manager.redoStack.map((item) => memoryOf(item).label).reverse(),
    }),
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    destroy: () => {
      listeners.clear()
      manager.destroy()
    },
  }
}

function memoryOf(item: { meta: Map<unknown, unknown> }): Memory {
  return (item.meta.get(memoryKey) as Memory | undefined) ?? { label: '', view: undefined }
}
