// Questions about edges, against plain reachability on random graphs.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ancestors, findCycle, type StepEdges, topologicalOrder, wouldCycle } from './graph.ts'

function steps(edges: Record<string, string[]>): StepEdges[] {
  return Object.entries(edges).map(([id, needs]) => ({ id, needs: needs.map((stepId) => ({ stepId })) }))
}

const someSteps = fc
  .integer({ min: 1, max: 8 })
  .chain((count) =>
    fc.array(fc.uniqueArray(fc.nat(count + 1), { maxLength: 4 }), { minLength: count, maxLength: count }),
  )
  .map((needs) => needs.map((of, i) => ({ id: `s${i}`, needs: of.map((n) => ({ stepId: `s${n}` })) })))

describe('graph', () => {
  it('names the path an edge would close', () => {
    const chain = steps({ a: [], b: ['a'], c: ['b'] })
    expect(wouldCycle(chain, 'c', 'a')).toEqual(['a', 'b', 'c'])
    expect(wouldCycle(chain, 'a', 'c')).toBeNull()
    expect(wouldCycle(chain, 'a', 'a')).toEqual(['a'])
    expect(findCycle(steps({ x: [], b: ['d'], c: ['b'], d: ['c'] }))).toEqual(['b', 'c', 'd', 'b'])
    expect(findCycle(chain)).toBeNull()
  })

  it('finds a cycle exactly when steps are left without order, and every edge of it exists', () => {
    fc.assert(
      fc.property(someSteps, (graph) => {
        const cycle = findCycle(graph)
        expect(cycle === null).toBe(topologicalOrder(graph).length === graph.length)
        for (const [i, id] of (cycle ?? []).entries()) {
          const next = graph.find((step) => step.id === cycle![i + 1])
          if (next !== undefined) expect(next.needs.map((need) => need.stepId)).toContain(id)
        }
      }),
    )
  })

  it('puts needs before steps', () => {
    fc.assert(
      fc.property(someSteps, (graph) => {
        const order = topologicalOrder(graph).map((step) => step.id)
        for (const step of graph) {
          for (const { stepId } of step.needs) {
            if (order.includes(step.id) && graph.some((each) => each.id === stepId)) {
              expect(order.indexOf(stepId)).toBeLessThan(order.indexOf(step.id))
            }
          }
        }
      }),
    )
  })

  it('would cycle exactly when the new edge makes a new cycle', () => {
    fc.assert(
      fc.property(someSteps, fc.nat(7), fc.nat(7), (graph, a, b) => {
        const from = graph[a % graph.length]!
        const to = graph[b % graph.length]!
        const path = wouldCycle(graph, from.id, to.id)
        expect(path !== null).toBe(from === to || ancestors(graph, from.id).has(to.id))
      }),
    )
  })
})
