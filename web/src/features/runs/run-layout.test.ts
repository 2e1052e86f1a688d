import { StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { placeSteps } from './run-layout.ts'

const step = (id: string, needs: string[] = []) =>
  create(StepDefinitionSchema, { id, needs: needs.map((stepId) => ({ stepId })) })

describe('placeSteps', () => {
  it('puts every step right of its needs and none on another', () => {
    const graphs = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(graphs, (needs) => {
        const steps = needs.map((list, i) => step(`s${i}`, i === 0 ? [] : [...new Set(list.map((n) => `s${n % i}`))]))
        const { steps: placed } = placeSteps(steps)
        const at = new Map(placed.map((p) => [p.id, p]))
        for (const s of steps) {
          for (const need of s.needs) expect(at.get(need.stepId)?.x).toBeLessThan(at.get(s.id)?.x ?? 0)
        }
        expect(new Set(placed.map((p) => `${p.x},${p.y}`)).size).toBe(steps.length)
      }),
    )
  })

  it('keeps a chain on one line', () => {
    const { steps } = placeSteps([step('a'), step('b', ['a']), step('c', ['b'])])
    expect(new Set(steps.map((s) => s.y)).size).toBe(1)
  })

  it('stands a chain of ten thousand', () => {
    const steps = Array.from({ length: 10_000 }, (_, i) => step(`s${i}`, i > 0 ? [`s${i - 1}`] : [])).reverse()
    expect(placeSteps(steps).steps).toHaveLength(10_000)
  })
})
