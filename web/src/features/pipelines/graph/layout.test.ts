import { expect, it } from 'vitest'
import { NODE_HEIGHT, NODE_WIDTH } from './graph-view.ts'
import { layoutSteps } from './layout.ts'

function chain(length: number) {
  const ids = Array.from({ length }, (_, i) => `s${i}`)
  const steps = ids.map((id, i) => ({ id, x: i * 1000, y: 0 }))
  const edges = ids.slice(1).map((target, i) => ({ source: ids[i]!, target }))
  const moved = layoutSteps({ steps, edges })
  return steps.map(({ id, x, y }) => moved[id] ?? { x, y })
}

it('keeps a short chain in one row', () => {
  expect(new Set(chain(5).map(({ y }) => y)).size).toBe(1)
})

it('wraps a long chain into rows that are read from left to right and fit beside the panels', () => {
  const places = chain(10)
  const wide = Math.max(...places.map(({ x }) => x)) + NODE_WIDTH - Math.min(...places.map(({ x }) => x))
  expect(wide).toBeLessThan(1300)
  expect(new Set(places.map(({ y }) => y)).size).toBe(2)
  for (let i = 1; i < places.length; i++) {
    const before = places[i - 1]!
    const place = places[i]!
    if (place.y === before.y) expect(place.x - before.x).toBeGreaterThanOrEqual(NODE_WIDTH)
    else expect(place.y - before.y).toBeGreaterThan(NODE_HEIGHT)
  }
})

it('tidies what is tidy already without moving anything', () => {
  const steps = chain(12).map((place, i) => ({ id: `s${i}`, ...place }))
  const edges = steps.slice(1).map(({ id }, i) => ({ source: `s${i}`, target: id }))
  expect(layoutSteps({ steps, edges })).toEqual({})
})
