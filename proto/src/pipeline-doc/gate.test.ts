// What the controller would refuse for its size is refused before it enters the document; what it takes never is.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { limits } from '../limits.ts'
import { addStep, addSteps, createGate, maxSteps, newDoc, setDeleted, setStepField } from '../pipeline-doc.ts'

const origin = { user: 'u' }
const place = { x: 0, y: 0 }

/** Bytes of the largest update that a change makes. */
function largest(doc: Y.Doc, change: () => void): number {
  let most = 0
  const look = (update: Uint8Array) => {
    most = Math.max(most, update.length)
  }
  doc.on('update', look)
  change()
  doc.off('update', look)
  return most
}

describe('the gate of a document', () => {
  it('lets in what fits into one change, to the byte, whatever the letters; what it refuses changes nothing', () => {
    const limit = limits.changeBytes - 16
    fc.assert(
      fc.property(fc.constantFrom('a', 'é', '汉', '😀'), fc.integer({ min: -400, max: 400 }), (letter, more) => {
        const doc = newDoc()
        const gate = createGate(doc)
        const id = addStep(doc, { type: 'custom', pos: place }, origin)
        const text = letter.repeat((limit + more) / new TextEncoder().encode(letter).length)
        const write = (to: Y.Doc) => setStepField(to, id, 'name', text, origin)
        const before = Y.encodeStateAsUpdate(doc)
        const refused = gate.refuses({ bytes: text.length * 4, steps: 0 }, write)
        expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
        expect(refused?.code).toBe(largest(doc, () => write(doc)) > limit ? 'change_large' : undefined)
      }),
      { numRuns: 60 },
    )
  })

  it('does not try what is surely small', () => {
    const doc = newDoc()
    const gate = createGate(doc)
    let tried = false
    const refused = gate.refuses({ bytes: 1000, steps: 1 }, () => {
      tried = true
    })
    expect([refused, tried]).toEqual([undefined, false])
  })

  it('counts the steps that are not deleted: added, brought back, pasted', () => {
    const doc = newDoc()
    const gate = createGate(doc)
    const many = Array.from({ length: maxSteps }, () => ({ type: 'custom', pos: place }))
    const ids = addSteps(doc, many, origin)
    const add = (to: Y.Doc) => void addStep(to, { type: 'custom', pos: place }, origin)
    expect(gate.refuses({ bytes: 100, steps: 1 }, add)?.code).toBe('canvas_steps')
    setDeleted(doc, ids.slice(0, 1), true, origin)
    expect(gate.refuses({ bytes: 100, steps: 1 }, add)).toBeUndefined()
    add(doc)
    const back = (to: Y.Doc) => setDeleted(to, ids.slice(0, 1), false, origin)
    expect(gate.refuses({ bytes: 100, steps: 1 }, back)?.code).toBe('canvas_steps')
    // Fewer of too many is right.
    setDeleted(doc, ids.slice(0, 1), false, origin)
    expect(
      gate.refuses({ bytes: 1e9, steps: 0 }, (to) => setDeleted(to, ids.slice(1, 2), true, origin)),
    ).toBeUndefined()
  })

  it('counts what waits, and the whole document with what was deleted in it', () => {
    let waits = 0
    const doc = newDoc()
    const gate = createGate(doc, () => waits)
    waits = limits.waitingBytes - 500
    expect(gate.refusesText('x'.repeat(1000), 'x')?.code).toBe('too_much_waits')
    waits = 0
    expect(gate.refusesText('x'.repeat(1000), 'x')).toBeUndefined()
    const id = addStep(doc, { type: 'custom', pos: place }, origin)
    for (let n = 0; n < 33; n += 1) setStepField(doc, id, `params.p${n}`, 'x'.repeat(250_000), origin)
    expect(gate.refusesText('x'.repeat(100_000), 'x')).toBeUndefined()
    expect(gate.refusesText('x'.repeat(200_000), 'x')?.code).toBe('document_large')
    expect(
      gate.refuses({ bytes: 1e9, steps: 0 }, (to) => setStepField(to, id, 'params.q', 'x'.repeat(200_000), origin))
        ?.code,
    ).toBe('document_large')
    // What somebody has overwritten is not there any more.
    setStepField(doc, id, 'params.p0', '', origin)
    expect(gate.refusesText('x'.repeat(200_000), 'x')).toBeUndefined()
  })

  it('lets a script be as long as one may be', () => {
    const gate = createGate(newDoc())
    expect(gate.refusesText('x', 'é'.repeat(limits.scriptBytes / 2))).toBeUndefined()
    expect(gate.refusesText('x', 'é'.repeat(limits.scriptBytes / 2 + 1))?.code).toBe('script_long')
    expect(gate.refusesText('汉'.repeat(100_000), '汉')?.code).toBe('change_large')
  })
})
