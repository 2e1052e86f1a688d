// The guards of loading and of actions.

import { expect, it } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'
import { useAction, useLoad } from './use-async.ts'

function gate<T>() {
  let open: (value: T) => void = () => {}
  const promise = new Promise<T>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

it('lets the last load win, whichever answers first', async () => {
  const first = gate<string>()
  const second = gate<string>()
  const answers = [first, second]
  const scope = effectScope()
  const loaded = scope.run(() => useLoad(() => (answers.shift() ?? second).promise))
  const again = loaded?.reload()
  second.open('new')
  await again
  first.open('old')
  await nextTick()
  expect(loaded?.data.value).toBe('new')
  scope.stop()
})

it('keeps the old data when a reload fails, and says so', async () => {
  let fail = false
  const scope = effectScope()
  const loaded = scope.run(() => useLoad(async () => (fail ? Promise.reject(new Error('down')) : 'data')))
  await loaded?.reload()
  fail = true
  await loaded?.reload()
  expect(loaded?.data.value).toBe('data')
  expect(loaded?.error.value).toBeInstanceOf(Error)
  scope.stop()
})

it('forgets what was there when what it depends on changes', async () => {
  const id = ref('a')
  const pending = gate<string>()
  const scope = effectScope()
  const loaded = scope.run(() => useLoad(() => (id.value === 'a' ? Promise.resolve('a') : pending.promise), { on: id }))
  await loaded?.reload()
  id.value = 'b'
  await nextTick()
  expect(loaded?.data.value).toBeUndefined()
  pending.open('b')
  await expect.poll(() => loaded?.data.value).toBe('b')
  scope.stop()
})

it('aborts what is under way when its page goes', async () => {
  let signal: AbortSignal | undefined
  const scope = effectScope()
  scope.run(() =>
    useLoad((given) => {
      signal = given
      return gate<string>().promise
    }),
  )
  scope.stop()
  expect(signal?.aborted).toBe(true)
})

it('does an action once, however often it is pressed', async () => {
  const pending = gate<void>()
  let times = 0
  const { run, busy } = useAction(async () => {
    times++
    await pending.promise
  })
  const done = Promise.all([run(), run(), run()])
  expect(busy.value).toBe(true)
  pending.open()
  await done
  expect(times).toBe(1)
  expect(busy.value).toBe(false)
})
