// Turns one line of terminal output into styled pieces: SGR colours and weights, everything else of the escapes dropped.

export interface AnsiPiece {
  text: string
  /** CSS classes, e.g. "ansi-red ansi-bold"; empty for plain text. */
  className: string
}

const colors = ['grey', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'plain'] as const

interface Style {
  color: string
  background: string
  bold: boolean
  dim: boolean
  italic: boolean
  underline: boolean
}

const plain: Style = { color: '', background: '', bold: false, dim: false, italic: false, underline: false }

// CSI sequences (final byte captured), OSC sequences, and the two-byte escapes.
// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what this file is about
const escapes = /\u001b\[([0-9;:?]*)([@-~])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-Z\\-_]/g

/** A carriage return starts the line over, as in a terminal: only what was written last is shown. */
export function lastOverwrite(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  const at = text.lastIndexOf('\r')
  return at < 0 ? text : text.slice(at + 1)
}

export function parseAnsi(line: string): AnsiPiece[] {
  const text = lastOverwrite(line)
  if (!text.includes('\u001b')) return text === '' ? [] : [{ text, className: '' }]
  const pieces: AnsiPiece[] = []
  let style = plain
  let at = 0
  const push = (end: number) => {
    if (end > at) pieces.push({ text: text.slice(at, end), className: classOf(style) })
  }
  for (const match of text.matchAll(escapes)) {
    push(match.index)
    at = match.index + match[0].length
    if (match[2] === 'm') style = applySgr(style, match[1] ?? '')
  }
  push(text.length)
  return pieces
}

/** The text without escapes, for copying and searching. */
export function stripAnsi(line: string): string {
  return parseAnsi(line)
    .map((piece) => piece.text)
    .join('')
}

function applySgr(from: Style, parameters: string): Style {
  const style = { ...from }
  const codes = parameters === '' ? [0] : parameters.split(/[;:]/).map((code) => Number(code) || 0)
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0
    if (code === 0) Object.assign(style, plain)
    else if (code === 1) style.bold = true
    else if (code === 2) style.dim = true
    else if (code === 3) style.italic = true
    else if (code === 4) style.underline = true
    else if (code === 22) style.bold = style.dim = false
    else if (code === 23) style.italic = false
    else if (code === 24) style.underline = false
    else if (code >= 30 && code <= 37) style.color = colors[code - 30] ?? ''
    else if (code >= 90 && code <= 97) {
      style.color = colors[code - 90] ?? ''
      style.bold = true
    } else if (code === 39) style.color = ''
    else if (code >= 40 && code <= 47) style.background = colors[code - 40] ?? ''
    else if (code >= 100 && code <= 107) style.background = colors[code - 100] ?? ''
    else if (code === 49) style.background = ''
    else if (code === 38 || code === 48) {
      const [color, used] = extended(codes.slice(i + 1))
      if (code === 38) style.color = color
      else style.background = color
      i += used
    }
  }
  return style
}

/** 256 and true colours come down to the nearest of our eight, so that both themes stay readable. */
function extended(rest: number[]): [string, number] {
  if (rest[0] === 5) return [fromPalette(rest[1] ?? 0), 2]
  if (rest[0] === 2) return [nearest(rest[1] ?? 0, rest[2] ?? 0, rest[3] ?? 0), 4]
  return ['', 0]
}

function fromPalette(index: number): string {
  if (index < 16) return colors[index % 8] ?? ''
  if (index >= 232) return 'grey'
  const cube = index - 16
  return nearest(Math.floor(cube / 36) * 51, (Math.floor(cube / 6) % 6) * 51, (cube % 6) * 51)
}

function nearest(r: number, g: number, b: number): string {
  const high = Math.max(r, g, b)
  if (high - Math.min(r, g, b) < 40) return 'grey'
  const on = (value: number) => value > high * 0.6
  const key = `${on(r) ? 1 : 0}${on(g) ? 1 : 0}${on(b) ? 1 : 0}`
  return { '100': 'red', '010': 'green', '110': 'yellow', '001': 'blue', '101': 'magenta', '011': 'cyan' }[key] ?? ''
}

function classOf(style: Style): string {
  return [
    style.color && style.color !== 'plain' ? `ansi-${style.color}` : '',
    style.background && style.background !== 'plain' ? `ansi-bg-${style.background}` : '',
    style.bold ? 'ansi-bold' : '',
    style.dim ? 'ansi-dim' : '',
    style.italic ? 'ansi-italic' : '',
    style.underline ? 'ansi-underline' : '',
  ]
    .filter(Boolean)
    .join(' ')
}
