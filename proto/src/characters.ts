// Characters that a text must not hold, or that only look like the one that was meant, with their names for people.

import type { Language, Text } from './texts/template.ts'

const names: Readonly<Record<number, Text>> = {
  0: { en: 'the character NUL', 'zh-CN': '字符 NUL' },
  160: { en: 'a no-break space', 'zh-CN': '不间断空格' },
  173: { en: 'a soft hyphen', 'zh-CN': '软连字符' },
  8203: { en: 'a zero-width space', 'zh-CN': '零宽空格' },
  8204: { en: 'a zero-width non-joiner', 'zh-CN': '零宽不连字符' },
  8205: { en: 'a zero-width joiner', 'zh-CN': '零宽连字符' },
  8211: { en: 'an en dash', 'zh-CN': '短破折号' },
  8212: { en: 'an em dash', 'zh-CN': '长破折号' },
  8216: { en: 'a curly quote', 'zh-CN': '弯引号' },
  8217: { en: 'a curly quote', 'zh-CN': '弯引号' },
  8220: { en: 'a curly quote', 'zh-CN': '弯引号' },
  8221: { en: 'a curly quote', 'zh-CN': '弯引号' },
  8232: { en: 'a line separator', 'zh-CN': '行分隔符' },
  8288: { en: 'a word joiner', 'zh-CN': '词连接符' },
  12288: { en: 'a full-width space', 'zh-CN': '全角空格' },
  65279: { en: 'a byte order mark', 'zh-CN': '字节顺序标记' },
  65292: { en: 'a full-width comma', 'zh-CN': '全角逗号' },
  65306: { en: 'a full-width colon', 'zh-CN': '全角冒号' },
}

/** Spaces that are none, marks nobody sees, and signs of a word processor or an input method in the place of ASCII ones. */
const odd = /[^\P{Z} ]|[\p{Cf}\p{Cc}]|[\u2013\u2014\u2018\u2019\u201c\u201d\uff0c\uff1a]/u

/** "U+00A0" for the first such character; undefined when all are plain. */
export function oddCharacter(text: string): string | undefined {
  const code = odd.exec(text)?.[0].codePointAt(0)
  return code === undefined ? undefined : codePoint(code)
}

/** "a no-break space (U+00A0)". */
export function characterName(point: string, language: Language): string {
  const code = Number.parseInt(point.replace('U+', ''), 16)
  const name = code >= 0xd800 && code < 0xe000 ? half : (names[code] ?? anyCharacter)
  return language === 'en' ? `${name.en} (${point})` : `${name['zh-CN']}（${point}）`
}

const anyCharacter: Text = { en: 'the character', 'zh-CN': '字符' }
const half: Text = { en: 'half of a character, an unpaired surrogate', 'zh-CN': '半个字符（未配对的代理码）' }

/**
 * What no program here can store or send: NUL, at which databases, shells and environments cut, and half a surrogate pair, which
 * UTF-8 does not have. Where it stands, its code point and its name; undefined when there is none.
 */
export function unstorable(text: string): { offset: number; point: string; name: string } | undefined {
  const nul = text.indexOf('\0')
  if (nul < 0 && text.isWellFormed()) return undefined
  const offset = nul >= 0 ? nul : text.search(/\p{Surrogate}/u)
  const point = codePoint(text.charCodeAt(offset))
  return { offset, point, name: characterName(point, 'en') }
}

/** The value with what cannot be stored left out of its texts and keys: NUL is gone, half a surrogate pair is U+FFFD. */
export function storable<T>(value: T): T {
  if (typeof value === 'string') return value.replaceAll('\0', '').toWellFormed() as T
  if (Array.isArray(value)) return value.map(storable) as T
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storable(key), storable(item)])) as T
}

/** The first text inside of a value that cannot be stored, by its path; keys count too. Bytes are no text. */
export function findUnstorable(value: unknown): { path: string; point: string; name: string } | undefined {
  const found = search(value)
  if (found === undefined) return undefined
  const [first = '', ...rest] = found.steps.reverse()
  return {
    path: rest.reduce((path, step) => path + (step.startsWith('[') ? step : `.${step}`), first),
    point: found.point,
    name: found.name,
  }
}

/** The path is put together from its end, once there is one: most values have nothing to be found. */
function search(value: unknown): { steps: string[]; point: string; name: string } | undefined {
  if (typeof value === 'string') {
    const wrong = unstorable(value)
    return wrong && { steps: [], point: wrong.point, name: wrong.name }
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
    if (wrong !== undefined) return { steps: [], point: wrong.point, name: wrong.name }
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
