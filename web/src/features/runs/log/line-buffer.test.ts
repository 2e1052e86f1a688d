import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineBuffer, pageSize, type ViewLine } from './line-buffer.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const line = (number: number, text = `line ${number}`): ViewLine => ({
  number,
  text,
  at: undefined,
  cutFrom: undefined,
})

describe('LineBuffer', () => {
  it('gives the same lines whatever the pieces the bytes come in', () => {
    const text = fc.array(
      fc.string({ unit: 'grapheme', maxLength: 12 }).map((s) => s.replaceAll('\n', '')),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(text, fc.array(fc.nat(40)), fc.boolean(), (lines, cuts, ended) => {
        const all = bytes(lines.join('\n') + (ended && lines.length > 0 ? '\n' : ''))
        const buffer = new LineBuffer()
        buffer.startTail(0, undefined)
        let at = 0
        for (const cut of [...cuts, all.length]) {
          buffer.append(all.subarray(at, at + cut), 1)
          at = Math.min(all.length, at + cut)
        }
        const expected = new TextDecoder().decode(all).split('\n')
        if (expected.at(-1) === '') expected.pop()
        expect(buffer.total).toBe(expected.length)
        expect(expected.map((_, i) => buffer.line(i + 1)?.text)).toEqual(expected)
      }),
    )
  })

  it('continues the unfinished stored line', () => {
    const buffer = new LineBuffer()
    buffer.startTail(3, line(3, 'half'))
    buffer.append(bytes(' done\nnext'), 1)
    expect(buffer.line(3)?.text).toBe('half done')
    expect(buffer.line(4)?.text).toBe('next')
    expect(buffer.total).toBe(4)
  })

  it('cuts a long line and keeps its size', () => {
    const buffer = new LineBuffer()
    buffer.startTail(0, undefined)
    for (let i = 0; i < 10; i++) buffer.append(bytes('x'.repeat(10_000)), 1)
    expect(buffer.line(1)?.text.length).toBe(16 * 1024)
    expect(buffer.line(1)?.cutFrom).toBe(100_000)
  })

  it('names the pages it needs and forgets the oldest', () => {
    const buffer = new LineBuffer()
    buffer.startTail(100 * pageSize, undefined)
    expect(buffer.missingPages(490, 510)).toEqual([0, 1])
    for (let page = 0; page < 50; page++) {
      buffer.putPage(
        page,
        Array.from({ length: pageSize }, (_, i) => line(page * pageSize + i + 1)),
      )
    }
    expect(buffer.line(1)).toBeUndefined()
    expect(buffer.line(49 * pageSize + 1)?.text).toBe(`line ${49 * pageSize + 1}`)
    expect(buffer.missingPages(49 * pageSize + 1, 50 * pageSize)).toEqual([])
  })
})
