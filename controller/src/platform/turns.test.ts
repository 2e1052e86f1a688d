import { expect, it } from 'vitest'
import { inTurns, nextTurn } from './turns.ts'

it('whoever works on and on keeps nobody from their turn', async () => {
  let isOver = false
  function* workOn() {
    while (!isOver) {
      const until = performance.now() + 11
      while (performance.now() < until);
      yield
    }
    return 'ended'
  }
  const busy = [inTurns(workOn()), inTurns(workOn())]
  await nextTurn()
  function* small() {
    yield
    return 'done'
  }
  expect(await inTurns(small())).toBe('done')
  isOver = true
  expect(await Promise.all(busy)).toEqual(['ended', 'ended'])
})

it('very many with little work share turns', async () => {
  let turns = 0
  let isOver = false
  const count = () => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  function* long() {
    const until = performance.now() + 11
    while (performance.now() < until);
    yield
  }
  function* small() {
    yield
  }
  // The turn is used up, so that all of them wait.
  const all = [inTurns(long()), ...Array.from({ length: 2000 }, () => inTurns(small()))]
  await Promise.all(all)
  isOver = true
  expect(turns).toBeLessThan(200)
})
