// What SGR sequences (colours and weights of a terminal) make of a style. Pure.

export interface Style {
  color: string
  background: string
  bold: boolean
  dim: boolean
  italic: boolean
  underline: boolean
  inverse: boolean
  hidden: boolean
  strike: boolean
}

export const plainStyle: Style = {
  color: '',
  background: '',
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
  hidden: false,
  strike: false,
}

const colors = ['grey', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', ''] as const

/** `parameters`: what stands between CSI and "m". */
export function applySgr(from: Style, parameters: string): Style {
  const style = { ...from }
  const groups = parameters.split(';')
  for (let i = 0; i < groups.length; i++) {
    const [code = 0, ...details] = (groups[i] ?? '').split(':').map((number) => Number(number) || 0)
    if (code === 38 || code === 48) {
      // Of either spelling: 38;2;r;g;b, or 38:2::r:g:b with a colour space that nobody uses.
      const rest = groups.slice(i + 1).map((number) => Number(number) || 0)
      const given = details.length > 0
      const values = given ? [details[0] ?? 0, ...details.slice(details.length > 4 ? 2 : 1)] : rest
      if (code === 38) style.color = extended(values)
      else style.background = extended(values)
      if (!given) i += rest[0] === 5 ? 2 : rest[0] === 2 ? 4 : 0
    } else applyCode(style, code, details[0])
  }
  return style
}

function applyCode(style: Style, code: number, detail: number | undefined): void {
  if (code === 0) Object.assign(style, plainStyle)
  else if (code === 1) style.bold = true
  else if (code === 2) style.dim = true
  else if (code === 3) style.italic = true
  else if (code === 4) style.underline = detail !== 0
  else if (code === 7) style.inverse = true
  else if (code === 8) style.hidden = true
  else if (code === 9) style.strike = true
  else if (code === 21) style.underline = true
  else if (code === 22) style.bold = style.dim = false
  else if (code === 23) style.italic = false
  else if (code === 24) style.underline = false
  else if (code === 27) style.inverse = false
  else if (code === 28) style.hidden = false
  else if (code === 29) style.strike = false
  else if (code >= 30 && code <= 37) style.color = colors[code - 30] ?? ''
  else if (code === 39) style.color = ''
  else if (code >= 40 && code <= 47) style.background = colors[code - 40] ?? ''
  else if (code === 49) style.background = ''
  else if (code >= 90 && code <= 97) {
    style.color = colors[code - 90] ?? ''
    style.bold = true
  } else if (code >= 100 && code <= 107) style.background = colors[code - 100] ?? ''
}

/** 256 and true colours come down to the nearest of our eight, so that both themes stay readable. */
function extended([kind, ...values]: number[]): string {
  if (kind === 5) return fromPalette(values[0] ?? 0)
  return kind === 2 ? nearest(values[0] ?? 0, values[1] ?? 0, values[2] ?? 0) : ''
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

/** CSS classes, e.g. "ansi-red ansi-bold"; empty for plain text. */
export function classOf(given: Style): string {
  const { color, background, inverse } = given
  // Swapped colours are readable as our tints; plain text is turned over as a whole.
  const swaps = inverse && (color !== '' || background !== '')
  const style = swaps ? { ...given, color: background, background: color, inverse: false } : given
  return [
    style.color && `ansi-${style.color}`,
    style.background && `ansi-bg-${style.background}`,
    ...(['bold', 'dim', 'italic', 'underline', 'inverse', 'hidden', 'strike'] as const).map(
      (name) => style[name] && `ansi-${name}`,
    ),
  ]
    .filter(Boolean)
    .join(' ')
}
