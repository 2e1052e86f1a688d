import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import {
  addStep,
  connect,
  createUndo,
  disconnect,
  type EditOrigin,
  newDoc,
  projectDeletedStep,
  projectShape,
  removeSteps,
  setDeleted,
  setEnv,
  setStepField,
  stepText,
} from '../pipeline-doc.ts'

const a: EditOrigin = { user: 'a' }
const b: EditOrigin = { user: 'b' }

/** before → middle → after. */
function chain() {
  const doc = newDoc()
  const [before, middle, after] = ['before', 'middle', 'after'].map((key, index) =>
    addStep(doc, { type: 'custom', key, pos: { x: index * 300, y: 0 }, params: { script: 'x' } }, a),
  ) as [string, string, string]
  connect(doc, before, middle, a)
  connect(doc, middle, after, a)
  return { doc, before, middle, after }
}

describe('a step deleted in the middle', () => {
  it('leaves no step to run at the start: what waited for it waits for what it waited for', () => {
    const { doc, before, middle, after } = chain()
    disconnect(doc, [`${middle}:success>${after}`], a)
    connect(doc, middle, after, a, { kind: 'failure', condition: 'inputs.x' })
    const undo = createUndo(doc, a)
    const whole = projectShape(doc).graph
    expect(removeSteps(doc, [middle], a)).toEqual([`${before}:failure>${after}`])
    const waits = () => projectShape(doc).graph.steps.map(({ id, needs }) => [id, needs.map(({ stepId }) => stepId)])
    expect(waits()).toEqual([
      ['before', []],
      ['after', ['before']],
    ])
    expect(projectShape(doc).graph.steps[1]?.needs[0]).toMatchObject({ kind: 2, condition: 'inputs.x' })
    // One gesture, and wholly undone.
    undo.undo()
    expect(projectShape(doc).graph).toEqual(whole)
    expect(removeSteps(doc, [before, middle], a)).toEqual([])
    expect(waits()).toEqual([['after', []]])
  })
})

describe('a step deleted under someone’s hands', () => {
  it('can still be read as it would come back, with what it waits for', () => {
    const { doc, middle, before } = chain()
    expect(projectDeletedStep(doc, middle)).toBeUndefined()
    setDeleted(doc, [middle], true, a)
    setStepField(doc, middle, 'name', 'Written after', b)
    expect(projectDeletedStep(doc, middle)).toMatchObject({
      id: 'middle',
      nodeId: middle,
      name: 'Written after',
      needs: [{ stepId: 'before' }],
    })
    setDeleted(doc, [before], true, a)
    expect(projectDeletedStep(doc, middle)?.needs).toEqual([])
    expect(projectDeletedStep(doc, 'n_unknown')).toBeUndefined()
  })

  it('comes back with its edges and everything written to it before and after, whatever that was', () => {
    const edit = fc.oneof(
      fc.record({ kind: fc.constant('name' as const), value: fc.string({ maxLength: 12 }) }),
      fc.record({ kind: fc.constant('script' as const), value: fc.string({ maxLength: 12 }) }),
      fc.record({ kind: fc.constant('env' as const), value: fc.string({ maxLength: 12 }) }),
      fc.record({ kind: fc.constant('timeout' as const), value: fc.integer({ min: 1, max: 99_000 }) }),
      fc.record({ kind: fc.constant('edge' as const), value: fc.boolean() }),
    )
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 12 }), fc.nat(12), (edits, deletedAfter) => {
        const { doc, before, middle } = chain()
        const plain = new Y.Doc()
        Y.applyUpdate(plain, Y.encodeStateAsUpdate(doc))
        const replicas = [doc, plain]
        edits.forEach(({ kind, value }, index) => {
          if (index === deletedAfter) setDeleted(doc, [middle], true, a)
          for (const each of replicas) {
            if (kind === 'name') setStepField(each, middle, 'name', value, b)
            else if (kind === 'script') stepText(each, middle, 'script')?.insert(0, value)
            else if (kind === 'env') setEnv(each, middle, 'A', value, b)
            else if (kind === 'timeout') setStepField(each, middle, 'cfg.timeout', value, b)
            else if (value) connect(each, before, middle, b)
            else disconnect(each, [`${before}:success>${middle}`], b)
          }
        })
        const asDeleted = projectDeletedStep(doc, middle)
        setDeleted(doc, [middle], false, b)
        const back = projectShape(doc).graph
        expect(back).toEqual(projectShape(plain).graph)
        if (asDeleted) expect(asDeleted).toEqual(back.steps.find(({ nodeId }) => nodeId === middle))
      }),
    )
  })
})
