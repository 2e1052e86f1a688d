import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isWhole, wholeAgain } from './whole-view.ts'

const graph = { left: 40, top: 40, width: 680, height: 220 }
const large = { width: 792, height: 780 }
const at = { x: 16, y: 240, zoom: 1 }

test('a graph that was seen as a whole is so in a smaller frame, clear of the tools', () => {
  expect(isWhole(graph, large, at)).toBe(true)
  const low = { width: 792, height: 410 }
  expect(isWhole(graph, low, at)).toBe(false)
  const next = wholeAgain(graph, large, low, at)!
  expect(next.zoom).toBe(1)
  expect(isWhole(graph, low, next)).toBe(true)
  expect(graph.top * next.zoom + next.y).toBeGreaterThanOrEqual(64)
  const narrow = { width: 500, height: 780 }
  const beside = wholeAgain(graph, large, narrow, at)!
  expect(beside.zoom).toBeLessThan(1)
  expect(isWhole(graph, narrow, beside)).toBe(true)
})

test('what was not whole, or still is, or would be too small to read, stays where it is', () => {
  expect(wholeAgain(graph, large, { width: 792, height: 300 }, { ...at, x: -200 })).toBe(undefined)
  expect(wholeAgain(graph, large, { width: 792, height: 760 }, at)).toBe(undefined)
  expect(wholeAgain(graph, large, { width: 240, height: 780 }, at)).toBe(undefined)
})

test('it never comes nearer, and is whole wherever it is moved', () => {
  const size = (least: number) => fc.integer({ min: least, max: 2000 })
  const frames = fc.record({ width: size(100), height: size(150) })
  const places = fc.record({
    x: fc.integer({ min: -500, max: 900 }),
    y: fc.integer({ min: -500, max: 900 }),
    zoom: fc.double({ min: 0.3, max: 2, noNaN: true }),
  })
  fc.assert(
    fc.property(frames, frames, places, (before, now, view) => {
      const next = wholeAgain(graph, before, now, view)
      if (!next) return
      expect(next.zoom).toBeLessThanOrEqual(view.zoom)
      expect(
        isWhole(
          graph,
          { width: now.width + 1e-6, height: now.height + 1e-6 },
          { ...next, x: next.x + 1e-9, y: next.y + 1e-9 },
        ),
      ).toBe(true)
    }),
  )
})
