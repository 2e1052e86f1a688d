// Keys work where nobody types, and never in the middle of composing text.

import { afterEach, beforeEach, expect, it } from 'vitest'
import { effectScope } from 'vue'
import { useHotkeys } from './use-hotkeys.ts'

const pressed: string[] = []
let scope = effectScope()

beforeEach(() => {
  pressed.length = 0
  scope = effectScope()
  scope.run(() =>
    useHotkeys({
      n: () => pressed.push('n'),
      '/': () => pressed.push('/'),
      'g p': () => pressed.push('g p'),
      'mod+k': () => pressed.push('mod+k'),
      'shift+g': () => pressed.push('shift+g'),
      '?': () => pressed.push('?'),
    }),
  )
})
afterEach(() => scope.stop())

function press(key: string, target: EventTarget = document.body, init: KeyboardEventInit = {}) {
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init }))
}

it('hears single keys, sequences and combinations', () => {
  press('n')
  press('g')
  press('p')
  press('K', document.body, { ctrlKey: true })
  expect(pressed).toEqual(['n', 'g p', 'mod+k'])
})

it('tells a capital letter from a small one, and takes signs as they are typed', () => {
  press('G', document.body, { shiftKey: true })
  press('?', document.body, { shiftKey: true })
  press('N', document.body, { shiftKey: true })
  expect(pressed).toEqual(['shift+g', '?'])
})

it('rests while somebody types, except for combinations', () => {
  const input = document.body.appendChild(document.createElement('input'))
  press('n', input)
  press('k', input, { metaKey: true })
  input.remove()
  expect(pressed).toEqual(['mod+k'])
})

it('rests while text is composed', () => {
  press('n', document.body, { isComposing: true })
  expect(pressed).toEqual([])
})

it('is gone with its page', () => {
  scope.stop()
  press('n')
  expect(pressed).toEqual([])
})
