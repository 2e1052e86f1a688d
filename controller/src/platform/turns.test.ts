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
