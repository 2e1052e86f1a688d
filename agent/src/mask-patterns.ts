// Owns which byte strings give a secret away: the value, its lines, and the encodings that tools print it in. Pure.

/** Shorter strings are too likely to be ordinary text; values below this length are masked only where they are a whole line. */
export const MIN_PATTERN = 4

export interface MaskPatterns {
  /** Masked wherever they occur. */
  anywhere: Buffer[]
  /** Masked only when they are all of a line. */
  wholeLine: Buffer[]
}

export function maskPatterns(values: Iterable<string>): MaskPatterns {
  const anywhere = new Set<string>()
  const wholeLine = new Set<string>()
  for (const value of values) {
    const lines = value.split(/\r\n|\r|\n/)
    // Tools encode a value whole; its lines show up on their own only as they are, or within a JSON text.
    const wholes = new Set([value, value.trim()])
    const parts = lines.flatMap((line) => [line, line.trim(), jsonForm(line)])
    for (const text of [...wholes, ...parts]) {
      const length = Buffer.byteLength(text)
      if (length >= MIN_PATTERN) {
        for (const form of wholes.has(text) ? variants(text) : [latin1(text)]) anywhere.add(form)
      } else if (length > 0 && lines.length === 1) {
        // A short line of a longer secret ("}", "EOF") says nothing; a short secret is masked where it stands alone.
        wholeLine.add(text)
      }
    }
  }
  const long = [...anywhere].map((text) => Buffer.from(text, 'latin1')).filter((bytes) => bytes.length >= MIN_PATTERN)
  return { anywhere: long, wholeLine: [...wholeLine].map((text) => Buffer.from(text)) }
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function jsonForm(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** Every form as a latin1 string of its bytes, so that a Set removes repeats. */
function variants(text: string): Set<string> {
  const bytes = Buffer.from(text)
  const found = new Set<string>()
  const add = (form: string) => found.add(latin1(form))
  add(text)
  add(bytes.toString('hex'))
  add(bytes.toString('hex').toUpperCase())
  for (const form of base64Forms(bytes)) {
    add(form)
    add(form.replaceAll('+', '-').replaceAll('/', '_'))
  }
  const url = encodeURIComponent(text.toWellFormed())
  const strict = url.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  for (const form of [url, strict]) {
    add(form)
    add(form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()))
    add(form.replaceAll('%20', '+'))
  }
  const json = jsonForm(text)
  add(json)
  add(json.replaceAll('/', '\\/'))
  add(json.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`))
  // As `set -x` and printf %q show a quote within single quotes.
  add(text.replaceAll("'", "'\\''"))
  return found
}

/**
 * Base64 of the value at each of the three positions it can have within a longer encoded text (only the characters that
 * depend on nothing else), the padded ending, and the lines that `base64` folds a long value into.
 */
function base64Forms(bytes: Buffer): string[] {
  const forms: string[] = []
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const from = Math.ceil((before * 8) / 6)
    const certain = Math.floor(((before + bytes.length) * 8) / 6)
    const inner = encoded.slice(from, certain)
    const ending = encoded.slice(from)
    if (inner.length >= MIN_PATTERN) forms.push(inner)
    if (ending.length >= MIN_PATTERN) forms.push(ending, ending.replace(/=+$/, ''))
  }
  const whole = bytes.toString('base64')
  for (const width of [64, 76]) {
    if (whole.length <= width) continue
    for (let at = 0; at < whole.length; at += width) forms.push(whole.slice(at, at + width))
  }
  return forms
}
