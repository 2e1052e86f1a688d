import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import {
  addStep,
  createUndo,
  type EditOrigin,
  moveSteps,
  newDoc,
  projectShape,
  setDeleted,
  setStepField,
  stepText,
} from '../pipeline-doc.ts'

const me: EditOrigin = { user: 'me' }
const you: EditOrigin = { user: 'you' }
const at = { x: 0, y: 0 }

/** Another replica of the same document. */
function replica(doc: Y.Doc): Y.Doc {
  const other = new Y.Doc()
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
  return other
}

function sync(...docs: Y.Doc[]): void {
  const all = Y.mergeUpdates(docs.map((doc) => Y.encodeStateAsUpdate(doc)))
  for (const doc of docs) Y.applyUpdate(doc, all)
}

describe('undo', () => {
  it('of a creation keeps what a colleague put into the step', () => {
    const doc = newDoc()
    const undo = createUndo(doc, me)
    undo.name('Add step')
    const step = addStep(doc, { type: 'custom', pos: at }, me)
    const other = replica(doc)
    setStepField(other, step, 'name', 'Theirs', you)
    sync(doc, other)
    expect(undo.state()).toEqual({ undo: ['Add step'], redo: [] })
    expect(undo.undo()).toEqual({ label: 'Add step', overwritten: [], view: undefined })
    expect(projectShape(doc).graph.steps).toEqual([])
    expect(undo.redo().label).toBe('Add step')
    expect(projectShape(doc).graph.steps).toMatchObject([{ name: 'Theirs' }])
  })

  it('of a deletion keeps an edit made meanwhile', () => {
    const doc = newDoc()
    const step = addStep(doc, { type: 'custom', pos: at, params: { script: 'a' } }, me)
    const undo = createUndo(doc, me)
    const other = replica(doc)
    setDeleted(doc, [step], true, me)
    stepText(other, step, 'script')?.insert(1, 'b')
    setStepField(other, step, 'cfg.when', 'true', you)
    sync(doc, other)
    undo.undo()
    sync(doc, other)
    for (const each of [doc, other]) {
      expect(projectShape(each).graph.steps).toMatchObject([{ with: { script: 'ab' }, when: 'true' }])
    }
  })

  it('says which of my gestures others have overwritten', () => {
    const doc = newDoc()
    const step = addStep(doc, { type: 'custom', pos: at }, me)
    const undo = createUndo(doc, me, () => 'view')
    undo.name('Rename')
    setStepField(doc, step, 'name', 'mine', me)
    undo.name('Move')
    moveSteps(doc, new Map([[step, { x: 1, y: 1 }]]), me)
    const other = replica(doc)
    moveSteps(other, new Map([[step, { x: 2, y: 2 }]]), you)
    sync(doc, other)
    expect(undo.undo()).toEqual({ label: 'Rename', overwritten: ['Move'], view: 'view' })
    expect(projectShape(doc).graph.steps).toMatchObject([{ name: '', position: { x: 2, y: 2 } }])
    expect(undo.undo()).toEqual({ label: undefined, overwritten: [], view: undefined })
  })

  describe('of typing in a script', () => {
    const binding = { theirs: 'editor' }
    function written() {
      const doc = newDoc()
      const undo = createUndo(doc, me)
      undo.name('Add step')
      const step = addStep(doc, { type: 'custom', pos: at }, me)
      const text = stepText(doc, step, 'script')!
      const leave = undo.follow(binding, text, 'Script')
      const type = (what: string) => doc.transact(() => text.insert(text.length, what), binding)
      return { doc, undo, step, text, type, leave }
    }

    it('takes back a stretch of letters at once, also after the editor of the text has gone', () => {
      const { undo, text, type, leave } = written()
      for (const letter of ' a b') type(letter)
      leave()
      expect(text.toString()).toBe(' a b')
      expect(undo.state().undo).toEqual(['Script', 'Add step'])
      expect(undo.undo()).toMatchObject({ label: 'Script', overwritten: [] })
      expect(text.toString()).toBe('')
      expect(undo.redo().label).toBe('Script')
      expect(text.toString()).toBe(' a b')
    })

    it('keeps what was done between two stretches, in its order', () => {
      const { doc, undo, step, text, type } = written()
      type(' a')
      undo.name('Rename')
      setStepField(doc, step, 'name', 'Mine', me)
      type(' b')
      expect(undo.state().undo).toEqual(['Script', 'Rename', 'Script', 'Add step'])
      expect([undo.isTyping(text, 'undo'), undo.undo().label]).toEqual([true, 'Script'])
      expect([undo.isTyping(text, 'undo'), undo.isTyping(text, 'redo')]).toEqual([false, true])
      expect([undo.undo().label, undo.undo().label, text.toString()]).toEqual(['Rename', 'Script', ''])
    })
  })
})
