import { describe, expect, test } from 'vitest'
import { limits } from './limits.ts'
import { annotationOf, readCommand } from './workflow-command.ts'

const annotation = (line: string) => {
  const command = readCommand(line)
  return command && annotationOf(command)
}

describe('annotations as GitHub writes them', () => {
  test('with a place and a title', () => {
    expect(annotation('::error file=src/a.ts,line=3,endLine=4,col=5,endColumn=9,title=Types::not a number')).toEqual({
      level: 'error',
      message: 'not a number',
      title: 'Types',
      file: 'src/a.ts',
      line: 3,
      endLine: 4,
      column: 5,
      endColumn: 9,
    })
  })

  test('a line of blanks that ends as none takes no time', () => {
    const blanks = ' \t'.repeat(500_000)
    expect(annotation(`::error${blanks}x`)).toBe(undefined)
    expect(annotation(`::error${blanks}file=a.c${blanks}::${blanks}x`)).toMatchObject({ file: 'a.c', message: 'x' })
  })

  test('escapes are read once', () => {
    const line = '::warning file=C%3A\\a%2Cb.ts,title=50%25::first%0Asecond%0D%0A%2525%3A'
    expect(annotation(line)).toMatchObject({
      level: 'warning',
      file: 'C:\\a,b.ts',
      title: '50%',
      message: 'first\nsecond\r\n%25%3A',
    })
  })

  test.each([
    ['::NOTICE::shouted', { level: 'notice', message: 'shouted' }],
    ['::notice ::a space', { level: 'notice', message: 'a space' }],
    ['::error file=a:1::b::c', { file: 'a:1', message: 'b::c' }],
    ['::error title=only a title::', { title: 'only a title', message: '' }],
    ['::error line=x,col=1.5,file::odd', { line: 0, column: 0, file: '', message: 'odd' }],
  ])('%s', (line, expected) => expect(annotation(line)).toMatchObject(expected))

  test.each([
    '::error::',
    '::error::  ',
    '::group::x',
    'error::x',
    '::errors::x',
    ':: error::x',
    '::error:x',
    '::error',
  ])('%s is none', (line) => expect(annotation(line)).toBeUndefined())

  test('what is too long is cut, and no character with it', () => {
    const { message, title } = annotation(`::error title=${'t'.repeat(300)}::${'😀'.repeat(3000)}`)!
    expect([title.length, title.at(-1)]).toEqual([limits.annotationTitle, '…'])
    expect(message.length).toBeLessThanOrEqual(limits.annotationMessage)
    expect([message.isWellFormed(), message.at(-1)]).toEqual([true, '…'])
  })
})
