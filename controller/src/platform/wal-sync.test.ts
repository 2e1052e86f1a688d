// A commit may be answered only by a flush that began after it.
import { expect, test } from 'vitest'
import { walSync } from './wal-sync.ts'

function disk() {
  const flushes: { resolve: () => void; reject: (error: Error) => void }[] = []
  const sync = walSync(() => new Promise((resolve, reject) => flushes.push({ resolve, reject })))
  const answered: string[] = []
  const commit = (name: string) =>
    sync.flushed().then(
      () => void answered.push(name),
      () => void answered.push(`${name} failed`),
    )
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
  return { flushes, answered, commit, settled }
}

test('commits made while a flush is under way share the next one', async () => {
  const { flushes, answered, commit, settled } = disk()
  void commit('a')
  void commit('b')
  void commit('c')
  expect(flushes).toHaveLength(1)
  flushes[0]!.resolve()
  await settled()
  expect(answered).toEqual(['a'])
  expect(flushes).toHaveLength(2)
  void commit('d')
  flushes[1]!.resolve()
  await settled()
  expect(answered).toEqual(['a', 'b', 'c'])
  expect(flushes).toHaveLength(3)
  flushes[2]!.resolve()
  await settled()
  expect(answered).toEqual(['a', 'b', 'c', 'd'])
  void commit('e')
  expect(flushes).toHaveLength(4)
})

test('a failed flush is told to those who waited for it only', async () => {
  const { flushes, answered, commit, settled } = disk()
  void commit('a')
  void commit('b')
  flushes[0]!.reject(new Error('no'))
  await settled()
  flushes[1]!.resolve()
  await settled()
  expect(answered).toEqual(['a failed', 'b'])
})
