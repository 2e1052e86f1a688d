import { expect, it } from 'vitest'
import { yamlLines } from './yaml-lines.ts'

const shown = (before: string, after: string) =>
  yamlLines(before, after).map(({ kind, text }) => `${{ same: ' ', gone: '-', come: '+', skip: '…' }[kind]}${text}`)

it('shows what differs, with what is around it', () => {
  const many = Array.from({ length: 12 }, (_, index) => `line ${index}`)
  const before = `${many.join('\n')}\n`
  expect(shown(before, before.replace('line 6', 'line six'))).toEqual([
    ...['…', ' line 3', ' line 4', ' line 5', '-line 6', '+line six', ' line 7', ' line 8', ' line 9', '…'],
  ])
  expect(shown('', 'a\nb\n')).toEqual(['+a', '+b'])
  expect(shown('a\n', 'a\n')).toEqual([' a'])
})
