import { EditorState } from '@codemirror/state'
import { expect, it } from 'vitest'
import { storableInput } from './storable-input.ts'

const typed = (insert: string, userEvent?: string) => {
  const state = EditorState.create({ doc: 'ab', extensions: [storableInput] })
  const change = { changes: { from: 1, insert }, ...(userEvent ? { userEvent } : {}) }
  return state.update(change).state.doc.toString()
}

it('leaves out of what is typed or pasted what cannot be stored, and takes the rest', () => {
  expect(typed('1\0\n2', 'input.paste')).toBe('a1\n2b')
  expect(typed('\ud83d', 'input.type')).toBe('a\ufffdb')
  expect(typed('😀\u4e2d', 'input.type')).toBe('a😀\u4e2db')
})

it('leaves what others have written as it is', () => {
  expect(typed('\0')).toBe('a\0b')
})
