// Owns undo of one person's own changes to the shared document, and saying when others have overwritten what was to be undone.
import * as Y from 'yjs'
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
  state(): UndoState
  /** Called whenever the state may have changed. Answers how to stop. */
  onChange(listener: () => void): () => void
  destroy(): void
}

interface Memory {
  label: string
  view: unknown
}

const memoryKey = 'ansflow'

/**
 * Undo of the transactions made with `origin`, each one step. Edits through a text editor's own binding are not among them:
 * those belong to that editor's undo. `remember` is asked for the view at every gesture.
 */
export function createUndo(doc: Y.Doc, origin: EditOrigin, remember: () => unknown = () => undefined): Undo {
  const manager = new Y.UndoManager(
    editedRoots.map((root) => doc.getMap(root)),
    { trackedOrigins: new Set<unknown>([origin]), captureTimeout: 0 },
  )
  const listeners = new Set<() => void>()
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  let nextLabel = ''
  // What undo pushes on the other stack belongs to the gesture being undone.
  let carried: Memory | undefined

  manager.on('stack-item-added', ({ stackItem }) => {
    stackItem.meta.set(memoryKey, carried ?? { label: nextLabel, view: remember() })
    if (!carried) nextLabel = ''
    changed()
  })
  manager.on('stack-cleared', changed)
  manager.on('stack-item-popped', changed)

  function step(direction: 'undo' | 'redo'): UndoOutcome {
    const stack = direction === 'undo' ? manager.undoStack : manager.redoStack
    const before = stack.map(memoryOf)
    // The item that Yjs will really take is not known before; the pushed counterpart is named afterwards.
    carried = { label: '', view: undefined }
    const done = direction === 'undo' ? manager.undo() : manager.redo()
    carried = undefined
    const left = (direction === 'undo' ? manager.undoStack : manager.redoStack).length
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
