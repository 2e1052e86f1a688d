import { NeedKind, PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { canonicalGraph } from '../canonical.ts'
import { applyGraph, type EditOrigin, newDoc, projectShape, setStepField } from '../pipeline-doc.ts'
import { orderBetween } from './order.ts'

const me: EditOrigin = { user: 'me' }
const you: EditOrigin = { user: 'you' }

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

describe('applyGraph', () => {
  const graph = create(PipelineGraphSchema, {
    name: 'p',
    inputs: [{ name: 'level', type: 4, options: ['a', 'b'] }],
    env: [
      { name: 'B', value: '1' },
      { name: 'A', value: '2' },
    ],
    steps: [
      { id: 'one', uses: 'custom', with: { script: 'a' } },
      { id: 'two', uses: 'custom', with: { script: 'b' }, needs: [{ stepId: 'one', kind: 1 }] },
      {
        id: 'three',
        uses: 'custom',
        with: { script: 'c' },
        needs: [
          { stepId: 'two', kind: 1 },
          { stepId: 'one', kind: 3 },
        ],
      },
    ],
  })

  it('puts a long new pipeline in rows, each step on a place of its own', () => {
    const steps = Array.from({ length: 9 }, (_, i) => ({
      id: `s${i}`,
      uses: 'custom',
      with: { script: 'true' },
      needs: i === 0 ? [] : [{ stepId: `s${i - 1}`, kind: NeedKind.SUCCESS }],
    }))
    const places = projectShape(newDoc(create(PipelineGraphSchema, { name: 'long', steps }), '')).graph.steps.map(
      ({ position }) => position!,
    )
    expect(new Set(places.map(({ y }) => y)).size).toBe(2)
    expect(Math.max(...places.map(({ x }) => x))).toBeLessThanOrEqual(4 * 240)
    expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(9)
  })

  it('places new steps in columns and keeps ids and places of the others', () => {
    const doc = newDoc(graph, 'text')
    const before = projectShape(doc)
    expect(before.source).toBe('text')
    expect(canonicalGraph(before.graph)).toBe(canonicalGraph(graph))
    expect(before.graph.steps.map(({ position }) => position?.x)).toEqual([0, 240, 480])
    const next = create(PipelineGraphSchema, {
      ...graph,
      steps: [
        { ...graph.steps[1]!, id: 'renamed', needs: [] },
        { ...graph.steps[0]!, with: { script: 'a2' } },
      ],
    })
    applyGraph(doc, next, '', me)
    const after = projectShape(doc)
    expect(canonicalGraph(after.graph)).toBe(canonicalGraph(next))
    const ids = before.graph.steps.map(({ nodeId }) => nodeId)
    expect(after.graph.steps.map(({ nodeId }) => nodeId)).toEqual([ids[1], ids[0]])
    applyGraph(doc, graph, '', me)
    expect(projectShape(doc).graph.steps.map(({ nodeId }) => nodeId)).toEqual(ids)
  })

  it('with an equal graph writes nothing, with one letter changed a few bytes', () => {
    const doc = newDoc(graph, 'text')
    const sizes: number[] = []
    doc.on('updateV2', (update: Uint8Array) => sizes.push(update.length))
    applyGraph(doc, projectShape(doc).graph, 'text', me)
    applyGraph(doc, graph, 'text', me)
    expect(sizes).toEqual([])
    const next = create(PipelineGraphSchema, {
      ...graph,
      steps: graph.steps.map((s) => ({ ...s, with: { script: `${String(s.with?.script)}x` } })),
    })
    applyGraph(doc, next, 'text', me)
    expect(sizes).toHaveLength(1)
    expect(sizes[0]).toBeLessThan(150)
  })

  it('keeps a colleague’s unsynced work on steps it does not touch', () => {
    const doc = newDoc(graph)
    const other = replica(doc)
    const [one] = projectShape(doc).graph.steps
    setStepField(other, one!.nodeId, 'cfg.when', 'false', you)
    applyGraph(doc, create(PipelineGraphSchema, { ...graph, steps: [graph.steps[0]!] }), '', me)
    sync(doc, other)
    expect(projectShape(doc).graph.steps).toMatchObject([{ id: 'one', when: 'false' }])
  })
})

describe('orderBetween', () => {
  it('stays short when appending and is always between', () => {
    let last = orderBetween(undefined, undefined)
    for (let i = 0; i < 1000; i += 1) {
      const next = orderBetween(last, undefined)
      expect(next > last).toBe(true)
      last = next
    }
    expect(last.length).toBeLessThan(9)
    let high = last
    const low = orderBetween(undefined, high)
    for (let i = 0; i < 200; i += 1) {
      const next = orderBetween(low, high)
      expect(low < next && next < high).toBe(true)
      high = next
    }
  })
})
