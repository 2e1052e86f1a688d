// What the canvas draws from a projected pipeline.

import {
  NeedKind,
  type PipelineGraph,
  PipelineGraphSchema,
  ProblemSchema,
  Severity,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { addStep, connect, newDoc, projectShape, setStepField } from '@ansflow/proto/pipeline-doc'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { chipPoint, clearTrunk, roundedPath, routeEdge } from './edge-route.ts'
import { downstream, freePlace, graphView, neighbour, upstream } from './graph-view.ts'

const origin = { user: 'u1' }

function threeSteps() {
  const doc = newDoc(create(PipelineGraphSchema, { name: 'p' }))
  const [a, b, c] = ['a', 'b', 'c'].map((key, index) =>
    addStep(doc, { type: 'custom', key, pos: { x: index * 240, y: 0 } }, origin),
  ) as [string, string, string]
  connect(doc, a, b, origin)
  connect(doc, b, c, origin, { kind: 'failure', condition: 'git.branch == "main"' })
  return { doc, a, b, c }
}

function viewOf(doc: ReturnType<typeof newDoc>, before?: ReturnType<typeof graphView>) {
  const { graph, problems, edges } = projectShape(doc)
  return graphView({ graph, problems, edges, summary: (step) => step.uses }, before)
}

describe('graphView', () => {
  it('shows every step and edge with kind and condition', () => {
    const { doc, a, b, c } = threeSteps()
    const view = viewOf(doc)
    expect([...view.steps.values()].map((step) => [step.key, step.x, step.summary])).toEqual([
      ['a', 0, 'custom'],
      ['b', 240, 'custom'],
      ['c', 480, 'custom'],
    ])
    const edge = [...view.edges.values()].find((one) => one.source === b)
    expect(edge).toMatchObject({ target: c, kind: 'failure', condition: 'git.branch == "main"', suspended: false })
    expect(view.steps.get(b)).toMatchObject({ failureOut: true, alwaysOut: false, needs: 'a' })
    expect(upstream(view, c)).toEqual(new Set([a, b]))
    expect(downstream(view, a)).toEqual(new Set([b, c]))
  })

  it('keeps the identity of everything an edit did not touch', () => {
    const { doc, a, b } = threeSteps()
    const before = viewOf(doc)
    setStepField(doc, b, 'name', 'renamed', origin)
    const after = viewOf(doc, before)
    expect(after.steps.get(a)).toBe(before.steps.get(a))
    expect(after.steps.get(b)).not.toBe(before.steps.get(b))
    expect(after.steps.get(b)?.title).toBe('renamed')
    for (const [key, edge] of after.edges) expect(edge).toBe(before.edges.get(key))
  })

  it('draws an edge that would close a cycle as suspended', () => {
    const { doc, a, c } = threeSteps()
    connect(doc, c, a, origin)
    const view = viewOf(doc)
    expect([...view.edges.values()].filter((edge) => edge.suspended).map((edge) => [edge.source, edge.target])).toEqual(
      [[c, a]],
    )
    expect(upstream(view, a)).toEqual(new Set())
  })

  it('marks a step with the worst of its problems', () => {
    const { doc, a } = threeSteps()
    const { graph, edges } = projectShape(doc)
    const problems = [Severity.WARNING, Severity.ERROR, Severity.INFO].map((severity) =>
      create(ProblemSchema, { severity, stepId: 'a', message: 'x' }),
    )
    const view = graphView({ graph, problems, edges, summary: () => '' })
    expect(view.steps.get(a)).toMatchObject({ problem: 'error', problemCount: 3 })
  })

  it('puts fan-outs on one trunk beside their source, fan-ins beside their target', () => {
    const { doc, a, c } = threeSteps()
    const d = addStep(doc, { type: 'custom', key: 'd', pos: { x: 240, y: 120 } }, origin)
    connect(doc, a, d, origin)
    connect(doc, d, c, origin)
    const trunks = new Map([...viewOf(doc).edges.values()].map((edge) => [`${edge.source}>${edge.target}`, edge.trunk]))
    expect(trunks.get(`${a}>${d}`)).toBe('source')
    expect(trunks.get(`${d}>${c}`)).toBe('target')
  })
})

describe('lines', () => {
  const from = { x: 200, y: 28 }

  it('are straight on one row and stepped between rows', () => {
    expect(routeEdge(from, { x: 240, y: 28 }, 'middle')).toHaveLength(2)
    expect(routeEdge(from, { x: 240, y: 128 }, 'middle')).toEqual([
      from,
      { x: 220, y: 28 },
      { x: 220, y: 128 },
      { x: 240, y: 128 },
    ])
    expect(roundedPath([from, { x: 220, y: 28 }, { x: 220, y: 128 }])).toBe('M200 28L210 28Q220 28 220 38L220 128')
  })

  it('go round to a step that lies behind, with the chip on the longest part', () => {
    const points = routeEdge(from, { x: 0, y: 228 }, 'middle')
    expect(points).toHaveLength(6)
    expect(chipPoint(points)).toEqual({ x: 100, y: 128 })
  })

  it('avoid a step in between where another way is free', () => {
    const box = { x: 240, y: 100, width: 200, height: 56 }
    const to = { x: 480, y: 128 }
    expect(clearTrunk(from, to, 'source', [box])).toBe('target')
    expect(clearTrunk(from, { x: 480, y: 28 }, 'middle', [{ ...box, y: 0 }])).toBe('below')
    // From the end of a row to the start of the next, past a step that stands lower in its row.
    const behind = { x: -240, y: 328 }
    expect(clearTrunk(from, behind, 'middle', [])).toBe('middle')
    expect(clearTrunk(from, behind, 'middle', [{ x: -20, y: 160, width: 200, height: 56 }])).toBe('target')
    expect(routeEdge(from, behind, 'target')[2]).toEqual({ x: 220, y: 280 })
  })
})

describe('places', () => {
  it('snap to the grid and go on to the next free slot', () => {
    expect(freePlace({ x: 33, y: 47 }, [])).toEqual({ x: 40, y: 40 })
    expect(freePlace({ x: 0, y: 0 }, [{ x: 0, y: 0 }])).toEqual({ x: 240, y: 0 })
  })

  it('are walked by arrows to the nearest in that direction', () => {
    const { doc, a, b } = threeSteps()
    const view = viewOf(doc)
    expect(neighbour(view, a, 'right')).toBe(b)
    expect(neighbour(view, a, 'left')).toBeUndefined()
  })
})

describe('needs in a plain graph', () => {
  it('are read with all kinds', () => {
    const graph: PipelineGraph = create(PipelineGraphSchema, {
      name: 'p',
      steps: [
        { id: 'a', uses: 'custom' },
        { id: 'b', uses: 'custom', needs: [{ stepId: 'a', kind: NeedKind.ALWAYS }] },
      ],
    })
    const view = viewOf(newDoc(graph))
    expect([...view.edges.values()].map((edge) => edge.kind)).toEqual(['always'])
  })
})
