import { describe, expect, it } from 'vitest'
import { LineBuffer } from './line-buffer.ts'
import { pieces } from './line-view.ts'
import { plainState, renderLine, shownText } from './terminal-line.ts'

const e = '\u001b'

describe('what a terminal shows of a line', () => {
  it.each([
    ['plain text', 'plain', 'plain'],
    ['nothing', '', ''],
    ['tput sgr0', `${e}[31mred${e}(B${e}[m.`, 'red.'],
    ['the cursor saved and restored', `${e}7ab${e}8c`, 'cb'],
    ['modes of the terminal', `${e}[?25l${e}[?2004h${e}[>4;1mx${e}[?25h${e}=${e}>`, 'x'],
    ['a title, ended by BEL', `${e}]0;title\u0007!`, '!'],
    ['a link, ended by ST', `${e}]8;;https://example.org${e}\\text${e}]8;;${e}\\!`, 'text!'],
    ['DCS, APC, PM and SOS', `${e}P1$r0m${e}\\a${e}_G;x${e}\\b${e}^p${e}\\c${e}Xs${e}\\d`, 'abcd'],
    ['8-bit sequences', 'a\u009b31mb\u009d0;t\u009cc', 'abc'],
    ['a string without its end', `a${e}]0;title`, 'a'],
    ['a sequence without its end', `a${e}[31`, 'a'],
    ['a lone escape', `a${e}`, 'a'],
    ['two returns at the end', 'text\r\r', 'text'],
    ['a progress bar', '10 %\r50 %\r100 %', '100 %'],
    ['a shorter text over a longer one', 'downloading\rdone', 'doneloading'],
    ['a line erased first', `downloading\r${e}[Kdone`, 'done'],
    ['a line erased last', `downloading${e}[2K\rdone`, 'done'],
    ['erased up to here', `abcdef\r${e}[2C${e}[1KX`, '  Xdef'],
    ['backspaces', 'abc\b\bX', 'aXc'],
    ['bold by overstriking', 'N\bNA\bA', 'NA'],
    ['the cursor to the right', `a${e}[3Cb`, 'a   b'],
    ['the cursor to the left', `abc${e}[2DX`, 'aXc'],
    ['the cursor to a column', `abc${e}[5Gd${e}[1GX`, 'Xbc d'],
    ['the cursor far away', `${e}[999999999Cx`, `${' '.repeat(1000)}x`],
    ['characters deleted, inserted, wiped', `abcdef\r${e}[2P${e}[1@${e}[1C${e}[2X`, '   ef'],
    ['a bell and a NUL', 'a\u0007\u0000b', 'ab'],
    ['line drawing', `${e}(0lqk${e}(Bq`, '┌─┐q'],
    ['tabs', 'a\tb', 'a\tb'],
    ['what combines', 'e\u0301x\b!', 'e\u0301!'],
    ['an emoji of several', '👩‍💻\rX', 'X'],
  ])('%s', (_, line, shown) => {
    expect(shownText(line)).toBe(shown)
  })

  it('is never a control character', () => {
    const isControl = (letter: string) => letter !== '\t' && /^\p{Cc}$/u.test(letter)
    for (let code = 0; code < 256; code++)
      for (const prefix of ['', e, `${e}[`, `${e}[?`, `${e}(`, `${e}]`, `${e}P`, 'ab\r'])
        expect([...shownText(`${prefix}${String.fromCharCode(code)}xyz`)].filter(isControl)).toEqual([])
  })
})

const styled = (line: string, before = plainState) =>
  renderLine(line, before).pieces.map(({ text, className }) => [text, className])

describe('colours', () => {
  it.each([
    [
      'until the reset',
      `a${e}[31mred${e}[0m b`,
      [
        ['a', ''],
        ['red', 'ansi-red'],
        [' b', ''],
      ],
    ],
    [
      'weight and its end',
      `${e}[1;32mok${e}[22;39m!${e}[43mx`,
      [
        ['ok', 'ansi-green ansi-bold'],
        ['!', ''],
        ['x', 'ansi-bg-yellow'],
      ],
    ],
    ['bright', `${e}[91mb`, [['b', 'ansi-red ansi-bold']]],
    [
      '256',
      `${e}[38;5;196mr${e}[38;5;244mg`,
      [
        ['r', 'ansi-red'],
        ['g', 'ansi-grey'],
      ],
    ],
    ['true colours', `${e}[38;2;10;200;30mg`, [['g', 'ansi-green']]],
    [
      'true colours with colons',
      `${e}[38:2::10:200:30mg${e}[38:2:200:0:0mr`,
      [
        ['g', 'ansi-green'],
        ['r', 'ansi-red'],
      ],
    ],
    [
      'underlines with colons',
      `${e}[4:3mu${e}[4:0mn`,
      [
        ['u', 'ansi-underline'],
        ['n', ''],
      ],
    ],
    [
      'inverse, struck, hidden',
      `${e}[7;9mx${e}[27;29;8my`,
      [
        ['x', 'ansi-inverse ansi-strike'],
        ['y', 'ansi-hidden'],
      ],
    ],
    [
      'an empty parameter',
      `${e}[31mr${e}[mp`,
      [
        ['r', 'ansi-red'],
        ['p', ''],
      ],
    ],
    ['another sequence that ends in m', `${e}[>4;2mx`, [['x', '']]],
    [
      'of what overwrites',
      `${e}[31mabc\r${e}[0mX`,
      [
        ['X', ''],
        ['bc', 'ansi-red'],
      ],
    ],
  ])('%s', (_, line, shown) => {
    expect(styled(line)).toEqual(shown)
  })

  it('that are turned over stay readable', () => {
    expect(styled(`${e}[7;31mx`)).toEqual([['x', 'ansi-bg-red']])
  })

  it('go on in the next line, until they end', () => {
    const first = renderLine(`a${e}[1;31mred`)
    expect(styled('red too', first.after)).toEqual([['red too', 'ansi-red ansi-bold']])
    const second = renderLine(`and ${e}(B${e}[mplain`, first.after)
    expect(second.pieces.map(({ className }) => className)).toEqual(['ansi-red ansi-bold', ''])
    expect(second.after).toBe(plainState)
  })

  it('are known at the first line of a window that begins anywhere', () => {
    const lines = Array.from({ length: 400 }, (_, i) => (i === 250 ? `${e}[31m` : i === 320 ? `${e}[m` : `line ${i}`))
    const buffer = new LineBuffer()
    buffer.startTail(0, undefined)
    buffer.append(new TextEncoder().encode(`${lines.join('\n')}\n`), 0)
    expect(buffer.stateBefore(251)).toBe(plainState)
    expect(buffer.stateBefore(260).style.color).toBe('red')
    expect(buffer.stateBefore(320).style.color).toBe('red')
    expect(buffer.stateBefore(322)).toBe(plainState)
    expect(buffer.stateBefore(1)).toBe(plainState)
  })

  it('of the unfinished last line follow what is appended to it', () => {
    const buffer = new LineBuffer()
    buffer.startTail(0, undefined)
    buffer.append(new TextEncoder().encode('one'), 0)
    expect(buffer.stateBefore(2)).toBe(plainState)
    buffer.append(new TextEncoder().encode(`${e}[32m\ntwo`), 0)
    expect(buffer.stateBefore(2).style.color).toBe('green')
  })
})

describe('hits', () => {
  it('are marked where they stand in the line, escapes and all', () => {
    const line = `::error::ab${e}[31mcdef`
    const start = line.indexOf('b')
    const hit = { line: 1, start, end: line.indexOf('f') } as never
    expect(pieces(line, line.slice(9), [hit], hit)).toEqual([
      { text: 'a', className: '' },
      { text: 'b', className: '', hit: 'current' },
      { text: 'cde', className: 'ansi-red', hit: 'current' },
      { text: 'f', className: 'ansi-red' },
    ])
  })
})
