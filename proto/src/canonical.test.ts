// Two graphs have the same hash exactly when they mean the same.
import { NeedKind, OnLost, PipelineGraphSchema, PositionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { clone, create } from '@bufbuild/protobuf'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalGraph, graphHash, stableJson } from './canonical.ts'
import { someGraph } from './graph.arbitrary.ts'

describe('canonicalGraph', () => {
  it('leaves the canvas and the order of sets out', () => {
    fc.assert(
      fc.property(someGraph, (graph) => {
        const other = clone(PipelineGraphSchema, graph)
        other.env.reverse()
        for (const step of other.steps) {
          step.nodeId = 'n_1'
          step.position = create(PositionSchema, { x: 1, y: 2 })
          for (const list of [step.needs, step.env, step.runsOn, step.secrets, step.outputs]) list.reverse()
        }
        expect(graphHash(other)).toBe(graphHash(graph))
      }),
    )
  })

  it('writes defaults out', () => {
    const step = { id: 'a', uses: 'custom', needs: [{ stepId: 'b' }] }
    const full = {
      ...step,
      needs: [{ stepId: 'b', kind: NeedKind.SUCCESS }],
      workspace: 'shared',
      onLost: OnLost.FAIL,
      with: {},
    }
    const graph = (of: object) => create(PipelineGraphSchema, { name: 'x', steps: [of] })
    expect(canonicalGraph(graph(step))).toBe(canonicalGraph(graph(full)))
  })

  it('tells locks that are named twice apart by the limit that counts, in whatever order', () => {
    const hash = (...limitedLocks: object[]) =>
      graphHash(create(PipelineGraphSchema, { name: 'x', steps: [{ id: 'a', uses: 'custom', limitedLocks }] }))
    const db = (limit: number) => ({ name: 'db', limit })
    for (const both of [hash(db(2), db(3)), hash(db(3), db(2)), hash(db(3), db(2), db(3))]) {
      expect(both).toBe(hash(db(2)))
    }
    expect(hash(db(0), db(3))).toBe(hash(db(1)))
    expect(hash(db(1), db(3))).not.toBe(hash(db(3)))
  })

  it('changes with everything else', () => {
    const graph = create(PipelineGraphSchema, {
      name: 'x',
      steps: [{ id: 'a', uses: 'custom', with: { script: 'x' } }],
    })
    const hash = graphHash(graph)
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    graph.steps[0]!.with = { script: 'y' }
    expect(graphHash(graph)).not.toBe(hash)
  })

  it('is a fixed text: versions already published depend on it', () => {
    const graph = create(PipelineGraphSchema, {
      name: 'x',
      steps: [{ id: 'a', uses: 'custom', with: { script: 'x' } }],
    })
    expect(graphHash(graph)).toBe('e0ef8707ce2d398edfac5a315784609a227f479818c4f535c015949a1d9c38ce')
    expect(stableJson({ b: 1, a: [{ d: null, c: 'é' }] })).toBe('{"a":[{"c":"é","d":null}],"b":1}')
  })
})
