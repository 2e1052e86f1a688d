import { addStep, connect, newDoc, projectShape, setDeleted } from '@ansflow/proto/pipeline-doc'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { graphView } from './graph-view.ts'
import { stepRows } from './step-list.ts'

const me = { user: 'me' }

function viewOf(count: number, edges: readonly (readonly [number, number])[], deleted: readonly number[] = []) {
  const doc = newDoc()
  const ids = Array.from({ length: count }, (_, n) =>
    addStep(doc, { type: 'custom', key: `s${n}`, pos: { x: n * 300, y: 0 } }, me),
  )
  for (const [from, to] of edges) connect(doc, ids[from % count]!, ids[to % count]!, me)
  setDeleted(
    doc,
    deleted.map((n) => ids[n % count]!),
    true,
    me,
  )
  const { graph, problems, edges: projected } = projectShape(doc)
  return graphView({ graph, problems, edges: projected, summary: () => '' })
}

it('puts every step after what it waits for, each once, with lines that close a cycle left out', () => {
  const edge = fc.tuple(fc.nat(20), fc.nat(20))
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.array(edge, { maxLength: 30 }),
      fc.array(fc.nat(20), { maxLength: 3 }),
      (count, edges, deleted) => {
        const view = viewOf(count, edges, deleted)
        const rows = stepRows(view)
        expect(rows.map(({ step }) => step.nodeId).sort()).toEqual([...view.steps.keys()].sort())
        const at = new Map(rows.map(({ step }, index) => [step.nodeId, index]))
        for (const { source, target, suspended } of view.edges.values()) {
          if (!suspended) expect(at.get(source)).toBeLessThan(at.get(target)!)
        }
      },
    ),
  )
})

it('keeps the order of the file where the graph leaves it open, and tells stages and needs', () => {
  const rows = stepRows(
    viewOf(4, [
      [3, 1],
      [1, 2],
      [3, 2],
    ]),
  )
  expect(rows.map(({ step, stage }) => [step.key, stage])).toEqual([
    ['s0', 1],
    ['s3', 1],
    ['s1', 2],
    ['s2', 3],
  ])
  expect(rows[3]?.needs.map(({ title, kind }) => [title, kind])).toEqual([
    ['s1', 'success'],
    ['s3', 'success'],
  ])
})
