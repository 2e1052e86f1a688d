import { Text } from '@codemirror/state'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lineChanges, mergedApart, mergedText } from './text-merge.ts'

const on = (text: string, changes: ReturnType<typeof lineChanges>) =>
  changes.apply(Text.of(text.split('\n'))).toString()
const base = 'name: shop\nsteps:\n  a: { run: echo a }\n  b: { run: echo b }\n  c: { run: echo c }\n'

describe('merging what is typed with what others do', () => {
  test('changes of different lines are both there', () => {
    const typed = base.replace('echo c', 'echo cc')
    const theirs = base.replace('echo a', 'echo aa').replace('shop', 'store')
    expect(mergedText(base, typed, theirs)).toBe(theirs.replace('echo c', 'echo cc'))
  })

  test('lines that came and lines that went keep their places', () => {
    const typed = base.replace('  b: { run: echo b }\n', '  b: { run: echo b }\n  # half writ')
    const theirs = base.replace('  a: { run: echo a }\n', '').replace('steps:', 'env: { A: b }\nsteps:')
    expect(mergedText(base, typed, theirs)).toBe(
      'name: shop\nenv: { A: b }\nsteps:\n  b: { run: echo b }\n  # half writ  c: { run: echo c }\n',
    )
  })

  test('changes within one line are both there, and a change touches no more than what is another', () => {
    expect(mergedText('echo one two\n', 'echo ONE two\n', 'echo one two three\n')).toBe('echo ONE two three\n')
    expect(lineChanges(base, base.replace('echo b', 'echo bb')).toJSON()).toEqual([
      base.indexOf(' }\n  c'),
      [0, 'b'],
      expect.any(Number),
    ])
  })

  test('of what cannot be read, only changes that lie apart come together', () => {
    const typed = base.replace('echo c }', 'echo c')
    expect(mergedApart(base, typed, base.replace('echo a', 'echo aa'))).toBe(typed.replace('echo a', 'echo aa'))
    for (const theirs of [base.replace(/ {2}b.*\n/, ''), base.replace(/ {2}c.*\n/, ''), `${base}  d: { run: x }\n`])
      expect(mergedApart(base, typed, theirs)).toBeUndefined()
  })

  test('nothing typed: theirs; nothing from others: what is typed', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((all) => all.join('\n'))
    fc.assert(
      fc.property(lines, lines, (one, other) => {
        expect(on(one, lineChanges(one, other))).toBe(other)
        expect(mergedText(one, one, other)).toBe(other)
        expect(mergedText(one, other, one)).toBe(other)
      }),
    )
  })
})
