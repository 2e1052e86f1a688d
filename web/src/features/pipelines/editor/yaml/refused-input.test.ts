import { say } from '@ansflow/proto/texts/say'
import { EditorState } from '@codemirror/state'
import { beforeAll, expect, it } from 'vitest'
import { setLanguage } from '../../../../i18n.ts'
import { closeToast, toasts } from '../../../../ui/toasts.ts'
import { refusedInput } from './refused-input.ts'

beforeAll(() => setLanguage('en'))

it('keeps out of a text what is too much, says why, and lets others write', () => {
  const asked: string[] = []
  const state = EditorState.create({
    doc: 'ab',
    extensions: [
      refusedInput((inserted, text) => {
        asked.push(`${inserted} ${text}`)
        return text.length > 4 ? say('script_long', { most: 1 }) : undefined
      }),
    ],
  })
  const typed = (insert: string, userEvent?: string) =>
    state.update({ changes: { from: 1, insert }, ...(userEvent ? { userEvent } : {}) }).state.doc.toString()
  expect(typed('12', 'input.type')).toBe('a12b')
  expect(typed('123', 'input.paste')).toBe('ab')
  expect(asked).toEqual(['12 a12b', '123 a123b'])
  expect(toasts.value.map(({ text }) => text)).toEqual([
    'Nothing was changed. The script is longer than 1 KiB. Keep it in the repository and call it from here.',
  ])
  for (const { id } of toasts.value) closeToast(id)
  expect(typed('123')).toBe('a123b')
})
