// Characters that a text must not hold, or that only look like the one that was meant, with their names for people.

const names: Readonly<Record<number, string>> = {
  160: 'a no-break space',
  173: 'a soft hyphen',
  8203: 'a zero-width space',
  8204: 'a zero-width non-joiner',
  8205: 'a zero-width joiner',
  8211: 'an en dash',
  8212: 'an em dash',
  8216: 'a curly quote',
  8217: 'a curly quote',
  8220: 'a curly quote',
  8221: 'a curly quote',
  8232: 'a line separator',
  8288: 'a word joiner',
  12288: 'a full-width space',
  65279: 'a byte order mark',
  65292: 'a full-width comma',
  65306: 'a full-width colon',
}

/** Spaces that are none, marks nobody sees, and signs of a word processor or an input method in the place of ASCII ones. */
const odd = /[^\P{Z} ]|[\p{Cf}\p{Cc}]|[\u2013\u2014\u2018\u2019\u201c\u201d\uff0c\uff1a]/u

/** "a no-break space (U+00A0)" for the first such character; undefined when all are plain. */
export function oddCharacter(text: string): string | undefined {
  const code = odd.exec(text)?.[0].codePointAt(0)
  if (code === undefined) return undefined
  return `${names[code] ?? 'the character'} (${codePoint(code)})`
}

/**
 * What no program here can store or send: NUL, at which databases, shells and environments cut, and half a surrogate pair, which
 * UTF-8 does not have. Where it stands and its code point; undefined when there is none.
 */
export function unstorable(text: string): { offset: number; name: string } | undefined {
  const nul = text.indexOf('\0')
  if (nul >= 0) return { offset: nul, name: 'the character NUL (U+0000)' }
  if (text.isWellFormed()) return undefined
  const offset = text.search(/\p{Surrogate}/u)
  return { offset, name: `half of a character (${codePoint(text.charCodeAt(offset))}, an unpaired surrogate)` }
}

/** The value with what cannot be stored left out of its texts and keys: NUL is gone, half a surrogate pair is U+FFFD. */
export function storable<T>(value: T): T {
  if (typeof value === 'string') return value.replaceAll('\0', '').toWellFormed() as T
  if (Array.isArray(value)) return value.map(storable) as T
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storable(key), storable(item)])) as T
}

/** The first text inside of a value that cannot be stored, by its path; keys count too. Bytes are no text. */
export function findUnstorable(value: unknown): { path: string; name: string } | undefined {
  const found = search(value)
  if (found === undefined) return undefined
  const [first = '', ...rest] = found.steps.reverse()
  return {
    path: rest.reduce((path, step) => path + (step.startsWith('[') ? step : `.${step}`), first),
    name: found.name,
  }
}

/** The path is put together from its end, once there is one: most values have nothing to be found. */
function search(value: unknown): { steps: string[]; name: string } | undefined {
  if (typeof value === 'string') {
    const wrong = unstorable(value)
    return wrong && { steps: [], name: wrong.name }
  }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return undefined
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const found = search(value[index])
      if (found === undefined) continue
      found.steps.push(`[${index}]`)
      return found
    }
    return undefined
  }
  for (const key of Object.keys(value)) {
    // What a newer caller sent is carried, not read.
    if (key === '$unknown' || key === '$typeName') continue
    const wrong = unstorable(key)
    if (wrong !== undefined) return { steps: [], name: wrong.name }
    const found = search((value as Record<string, unknown>)[key])
    if (found === undefined) continue
    found.steps.push(key)
    return found
  }
  return undefined
}

function codePoint(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}
