// What is typed is written as one types; a name when it is whole, and only where it is free; until then nothing is called saved.
import { mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { isTypingHeld } from '../../held-typing.ts'
import LiveInput from './LiveInput.vue'

let mounted: { unmount(): void } | undefined
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  mounted?.unmount()
  vi.useRealTimers()
})

let written: string[] | undefined
function field(allows?: (text: string) => boolean) {
  written = undefined
  const onCommit = (text: string) => {
    written = [...(written ?? []), text]
  }
  const input = mount(LiveInput, { props: { value: 'build', onCommit, ...(allows && { allows }) } })
  mounted = input
  return input.get('input')
}

it('writes while one types, and says that something is held until then', async () => {
  const input = field()
  await input.setValue('build it')
  expect([isTypingHeld.value, written]).toEqual([true, undefined])
  vi.advanceTimersByTime(400)
  expect([isTypingHeld.value, written]).toEqual([false, ['build it']])
})

it('writes a name when the field is left, however slowly it is typed past one that is taken', async () => {
  const input = field((text) => /^[a-z-]+$/.test(text) && text !== 'test')
  for (const text of ['test', 'test-', 'test-unit']) {
    await input.setValue(text)
    expect(input.attributes('aria-invalid')).toBe(text === 'test' ? 'true' : undefined)
    vi.advanceTimersByTime(5000)
    expect([isTypingHeld.value, written]).toEqual([true, undefined])
  }
  await input.trigger('blur')
  expect([isTypingHeld.value, written]).toEqual([false, ['test-unit']])
})

it('puts a name back that cannot be one', async () => {
  const input = field((text) => /^[a-z-]+$/.test(text) && text !== 'test')
  for (const text of ['test', 'Not One', '']) {
    await input.setValue(text)
    await input.trigger('blur')
    expect([input.element.value, isTypingHeld.value, written]).toEqual(['build', false, undefined])
  }
})

it('forgets what it holds on Escape, and writes it when its place on the page goes', async () => {
  const input = field()
  await input.setValue('x')
  await input.trigger('keydown', { key: 'Escape' })
  expect([input.element.value, isTypingHeld.value]).toEqual(['build', false])
  await input.setValue('y')
  mounted?.unmount()
  expect([written, isTypingHeld.value]).toEqual([['y'], false])
})
