// Which process speaks for an agent after a hello.
import { expect, test } from 'vitest'
import { claimBy, isAlone } from './instances.ts'

const hello = (instanceId: string, helloNumber: number, formerInstanceIds: string[] = []) => {
  return { instanceId, helloNumber, formerInstanceIds }
}

test('a process speaks by its newest hello; a late one changes nothing', () => {
  const first = claimBy({ instances: '', helloNumber: 0 }, hello('a', 1))
  expect(first).toEqual({ instances: 'a', helloNumber: 1, isOther: true })
  const at = { instances: 'a', helloNumber: 3 }
  expect(claimBy(at, hello('a', 4))).toMatchObject({ instances: 'a', helloNumber: 4, isOther: false })
  expect([claimBy(at, hello('a', 3)), claimBy(at, hello('a', 2))]).toEqual(['late', 'late'])
  // Of an agent that does not count them.
  expect(claimBy({ instances: 'a', helloNumber: 0 }, hello('a', 0))).toMatchObject({ isOther: false })
})

test('a process that comes back after another took its place is a second one, unless that one knows that it has ended', () => {
  const copied = claimBy({ instances: 'a', helloNumber: 5 }, hello('b', 1))
  expect(copied).toEqual({ instances: 'b a', helloNumber: 1, isOther: true })
  expect(claimBy({ instances: 'b a', helloNumber: 1 }, hello('a', 6))).toBe('doubled')
  expect(isAlone('b a')).toBe(false)
  const restarted = claimBy({ instances: 'a', helloNumber: 5 }, hello('c', 1, ['b', 'a']))
  expect(restarted).toEqual({ instances: 'c b. a.', helloNumber: 1, isOther: true })
  expect(isAlone('c b. a.')).toBe(true)
  // Also when its hello was never heard before.
  const at = { instances: 'c b. a.', helloNumber: 1 }
  expect([claimBy(at, hello('a', 9)), claimBy(at, hello('b', 1))]).toEqual(['late', 'late'])
})

test('it is never known again that a process has not ended, and of many the latest are remembered', () => {
  expect(claimBy({ instances: 'b a. z', helloNumber: 1 }, hello('c', 1, ['b']))).toMatchObject({
    instances: 'c b. a. z',
  })
  const many = Array.from({ length: 8 }, (_, n) => `p${n}`)
  expect(claimBy({ instances: many.join(' '), helloNumber: 1 }, hello('n', 1))).toMatchObject({
    instances: ['n', ...many.slice(0, 7)].join(' '),
  })
})
