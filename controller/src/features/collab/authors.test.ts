import { addStep, connect, disconnect, newDoc, setEnv, setStepField, stepText } from '@ansflow/proto/pipeline-doc'
import { beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type Author, Authors } from './authors.ts'
import { touchedSteps } from './touched-steps.ts'

const ada: Author = { id: 'ada', name: 'Ada' }
const eve: Author = { id: 'eve', name: 'Eve' }
const by = (author: Author) => ({ user: author.id })

let doc: Y.Doc
let authors: Authors
let who: Author | null
let x: string
let y: string
beforeEach(() => {
  doc = newDoc()
  authors = new Authors()
  doc.on('afterTransaction', (transaction: Y.Transaction) => authors.touch(touchedSteps(transaction), who))
  who = ada
  x = addStep(doc, { type: 'custom', pos: { x: 0, y: 0 } }, by(ada))
  y = addStep(doc, { type: 'custom', pos: { x: 1, y: 0 } }, by(ada))
  authors.takeUntold()
  authors.takeUnstored()
  who = eve
})

describe('the last author of a step', () => {
  it.each<[string, (id: string) => void]>([
    ['a field', (id) => setStepField(doc, id, 'name', 'n', by(eve))],
    ['a setting', (id) => setStepField(doc, id, 'cfg.timeout', 7, by(eve))],
    ['a script', (id) => stepText(doc, id, 'script')?.insert(0, 'x')],
    ['a variable', (id) => setEnv(doc, id, 'A', 'b', by(eve))],
    ['a line to it', (id) => connect(doc, y, id, by(eve))],
  ])('is who changed %s', (_what, edit) => {
    edit(x)
    expect(authors.takeUntold()).toEqual([[x, eve]])
    expect(authors.takeUnstored()).toEqual([[x, eve]])
    expect(new Map(authors.all())).toEqual(
      new Map([
        [x, eve],
        [y, ada],
      ]),
    )
    // The same person again is nothing new for others.
    edit(x)
    setStepField(doc, x, 'name', 'again', by(eve))
    expect(authors.takeUntold()).toEqual([])
  })

  it('of a removed line is who removed it', () => {
    connect(doc, y, x, by(eve))
    who = ada
    disconnect(doc, [`${y}:success>${x}`], by(ada))
    expect(new Map(authors.all()).get(x)).toEqual(ada)
  })

  it('is unknown after a change without a name', () => {
    who = null
    setStepField(doc, x, 'name', 'n', by(eve))
    expect(authors.takeUntold()).toEqual([[x, null]])
    expect(authors.all()).toEqual([[y, ada]])
  })

  it('of what another controller stored is known only when nothing in between was missed', () => {
    const stored = new Authors()
    const other = new Y.Doc()
    other.on('afterTransaction', (transaction: Y.Transaction) => stored.touchStored(touchedSteps(transaction)))
    Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
    stored.reached(0, 3)
    expect(stored.all()).toEqual([])
    stored.learn(4, [[x, ada]])
    stored.learn(6, [[y, eve]])
    // Batch 5 is not known: x may be someone else's by now.
    stored.reached(3, 6)
    expect(stored.all()).toEqual([[y, eve]])
    stored.learn(7, [[x, eve]])
    stored.learn(8, [[x, ada]])
    stored.reached(6, 8)
    expect(new Map(stored.all()).get(x)).toEqual(ada)
  })
})
