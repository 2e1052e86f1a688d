import { NeedKind, StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { placeSteps } from './graph-groups.ts'

const step = (id: string, needs: string[] = []) =>
  create(StepDefinitionSchema, { id, needs: needs.map((stepId) => ({ stepId })) })

const none = () => false

describe('placeSteps', () => {
  it('puts every step right of its needs and none on another', () => {
    const graphs = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(graphs, (needs) => {
        const steps = needs.map((list, i) => step(`s${i}`, i === 0 ? [] : [...new Set(list.map((n) => `s${n % i}`))]))
        const { nodes: placed } = placeSteps(steps, none)
        const at = new Map(placed.map((p) => [p.id, p]))
        for (const s of steps) {
          for (const need of s.needs) expect(at.get(need.stepId)?.x).toBeLessThan(at.get(s.id)?.x ?? 0)
        }
        expect(new Set(placed.map((p) => `${p.x},${p.y}`)).size).toBe(steps.length)
      }),
    )
  })

  it('tells the ways that are only gone after a failure', () => {
    const onFailure = (id: string, ...needs: string[]) =>
      create(StepDefinitionSchema, { id, needs: needs.map((stepId) => ({ stepId, kind: NeedKind.FAILURE })) })
    const steps = [step('a'), step('b', ['a']), onFailure('fix', 'a'), onFailure('web/x', 'a'), step('web/y', ['a'])]
    const { edges } = placeSteps(steps, none)
    expect(Object.fromEntries(edges.map((edge) => [edge.key, edge.onFailure]))).toEqual({
      'a>b': false,
      'a>fix': true,
      'a>web': false,
    })
  })

  it('keeps a chain on one line', () => {
    const { nodes } = placeSteps([step('a'), step('b', ['a']), step('c', ['b'])], none)
    expect(new Set(nodes.map((s) => s.y)).size).toBe(1)
  })

  it('stands a chain of ten thousand', () => {
    const steps = Array.from({ length: 10_000 }, (_, i) => step(`s${i}`, i > 0 ? [`s${i - 1}`] : [])).reverse()
    expect(placeSteps(steps, none).nodes).toHaveLength(10_000)
  })

  const template = [
    step('a'),
    step('web/install', ['a']),
    step('web/in/lint', ['web/install']),
    step('web/in/test', ['web/install']),
    step('end', ['web/in/lint', 'web/in/test']),
  ]

  it('puts what a template brought into a frame, and into one node where it is folded', () => {
    const open = placeSteps(template, () => true)
    const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id)
    expect(ids(open.frames)).toEqual(['web', 'web/in'])
    expect(ids(open.nodes)).toEqual(['a', 'web/install', 'web/in/lint', 'web/in/test', 'end'])
    const box = new Map([...open.frames, ...open.nodes].map((each) => [each.id, each]))
    const isIn = (inner: string, outer: string) => {
      const [a, b] = [box.get(inner)!, box.get(outer)!]
      return a.x >= b.x && a.y >= b.y && a.x + a.width <= b.x + b.width && a.y + a.height <= b.y + b.height
    }
    expect(isIn('web/install', 'web') && isIn('web/in', 'web') && isIn('web/in/test', 'web/in')).toBe(true)
    expect(isIn('a', 'web') || isIn('end', 'web') || isIn('web/install', 'web/in')).toBe(false)
    expect(open.edges.map(({ key }) => key)).toEqual(['a>web', 'web>end', 'web/install>web/in'])
    expect(open.frames.every(({ x, width, y, height }) => x + width < open.width && y + height < open.height)).toBe(
      true,
    )

    const folded = placeSteps(template, (id) => id === 'web')
    expect(ids(folded.nodes)).toEqual(['a', 'web/install', 'web/in', 'end'])
    expect(ids(placeSteps(template, none).nodes)).toEqual(['a', 'web', 'end'])
  })
})
