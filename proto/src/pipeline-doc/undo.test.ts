import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import {
  addStep,
  createUndo,
  type EditOrigin,
  moveSteps,
  newDoc,
  projectShape,
  renameStep,
  seedOrigin,
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

  describe('of a value that two have changed at once', () => {
    const moved = (x: number, y: number) => ({ position: { x, y } })
    /** Two replicas; both change the step, and hear of each other. */
    function both(change: (doc: Y.Doc, step: string, origin: EditOrigin) => void) {
      const mine = newDoc()
      const step = addStep(mine, { type: 'custom', key: 'build', pos: { x: 5, y: 5 } }, seedOrigin)
      const theirs = replica(mine)
      const sides = [
        { doc: mine, origin: me, undo: createUndo(mine, me) },
        { doc: theirs, origin: you, undo: createUndo(theirs, you) },
      ]
      for (const { doc, origin } of sides) change(doc, step, origin)
      sync(mine, theirs)
      const steps = () => sides.map(({ doc }) => projectShape(doc).graph.steps[0])
      const [winner, loser] =
        JSON.stringify(steps()[0]).includes('mine') || steps()[0]?.position?.x === 1 ? sides : sides.reverse()
      return { steps, winner: winner!, loser: loser!, meet: () => sync(mine, theirs) }
    }
    const move = (doc: Y.Doc, step: string, origin: EditOrigin) =>
      moveSteps(doc, new Map([[step, origin === me ? { x: 1, y: 1 } : { x: 2, y: 2 }]]), origin)
    const rename = (doc: Y.Doc, step: string, origin: EditOrigin) =>
      void renameStep(doc, step, origin === me ? 'mine' : 'yours', origin)

    it('goes back to the other one’s value, never to nothing', () => {
      for (const [change, other] of [
        [move, (won: number | undefined) => moved(won === 1 ? 2 : 1, won === 1 ? 2 : 1)],
        [rename, () => ({ id: expect.stringMatching(/^(mine|yours)$/) })],
      ] as const) {
        const { steps, winner, meet } = both(change)
        const won = steps()[0]
        const theirs = other(won?.position?.x)
        for (let round = 0; round < 2; round += 1) {
          winner.undo.undo()
          meet()
          expect(steps()).toMatchObject([theirs, theirs])
          if (change === rename) expect(steps()[0]?.id).not.toBe(won?.id)
          winner.undo.redo()
          meet()
          expect(steps()).toMatchObject([won, won].map((step) => ({ id: step?.id, position: step?.position })))
        }
      }
    })

    it('stays a value where the other one has tried to take theirs back', () => {
      const { steps, winner, loser, meet } = both(move)
      expect(loser.undo.undo().overwritten).toEqual([''])
      meet()
      winner.undo.undo()
      meet()
      expect(steps()[0]?.position?.x).toBeGreaterThan(0)
      expect(steps()[1]?.position).toEqual(steps()[0]?.position)
    })

    it('leaves the other one’s value where it won', () => {
      for (const change of [move, rename]) {
        const { steps, loser, meet } = both(change)
        const won = steps()[0]
        expect(loser.undo.undo()).toMatchObject({ label: undefined })
        meet()
        expect(steps()).toMatchObject([won, won].map((step) => ({ id: step?.id, position: step?.position })))
      }
    })

    it('that was not there before is nothing again, also where it had been taken out meanwhile', () => {
      const doc = newDoc()
      const step = addStep(doc, { type: 'custom', pos: at }, seedOrigin)
      const undo = createUndo(doc, me)
      setStepField(doc, step, 'cfg.when', 'true', me)
      setStepField(doc, step, 'cfg.when', undefined, me)
      setStepField(doc, step, 'cfg.when', 'false', me)
      const when = () => projectShape(doc).graph.steps[0]?.when
      const seen = [when()]
      for (let i = 0; i < 3; i += 1) {
        undo.undo()
        seen.push(when())
      }
      expect(seen).toEqual(['false', '', 'true', ''])
    })
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
