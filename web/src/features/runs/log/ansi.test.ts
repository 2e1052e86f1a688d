import { describe, expect, it } from 'vitest'
import { lastOverwrite, parseAnsi, stripAnsi } from './ansi.ts'

const e = '\u001b'

describe('parseAnsi', () => {
  it('keeps plain text whole and empty lines empty', () => {
    expect(parseAnsi('plain')).toEqual([{ text: 'plain', className: '' }])
    expect(parseAnsi('')).toEqual([])
  })

  it('colours until the reset', () => {
    expect(parseAnsi(`a${e}[31mred${e}[0m b`)).toEqual([
      { text: 'a', className: '' },
      { text: 'red', className: 'ansi-red' },
      { text: ' b', className: '' },
    ])
  })

  it('knows weight, bright colours, backgrounds and their ends', () => {
    expect(parseAnsi(`${e}[1;32mok${e}[22;39m!${e}[43mx`)).toEqual([
      { text: 'ok', className: 'ansi-green ansi-bold' },
      { text: '!', className: '' },
      { text: 'x', className: 'ansi-bg-yellow' },
    ])
    expect(parseAnsi(`${e}[91mbright`)[0]?.className).toBe('ansi-red ansi-bold')
  })

  it('brings 256 and true colours down to the eight', () => {
    expect(parseAnsi(`${e}[38;5;196mr`)[0]?.className).toBe('ansi-red')
    expect(parseAnsi(`${e}[38;2;10;200;30mg`)[0]?.className).toBe('ansi-green')
    expect(parseAnsi(`${e}[38;5;244mgrey`)[0]?.className).toBe('ansi-grey')
  })

  it('drops cursor moves, links and titles', () => {
    expect(stripAnsi(`${e}[2K${e}]8;;https://example.org${e}\\text${e}]0;title\u0007!`)).toBe('text!')
  })
})

describe('lastOverwrite', () => {
  it('shows what a progress bar wrote last', () => {
    expect(lastOverwrite('10 %\r50 %\r100 %')).toBe('100 %')
    expect(lastOverwrite('windows line\r')).toBe('windows line')
  })
})
