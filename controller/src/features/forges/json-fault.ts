// Where a text that is meant to be JSON first is none.

type Wanted = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'next' | 'nothing'

const space = /[ \t\r\n]*/y
const text = /"(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/uy
const scalar = new RegExp(`${text.source}|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|true|false|null`, 'uy')

/** Both from 1. Of a text that is JSON it is the end. */
export function jsonFault(json: string): { line: number; column: number } {
  const before = json.slice(0, faultAt(json))
  return { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') }
}

function faultAt(json: string): number {
  const open: ('}' | ']')[] = []
  let wanted: Wanted = 'value'
  let at = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const found = pattern.exec(json)
    at += found?.[0].length ?? 0
    return found !== null
  }
  const after = (): Wanted => (open.length > 0 ? 'next' : 'nothing')
  for (;;) {
    take(space)
    const sign = json[at]
    if (wanted === 'nothing' || sign === undefined) return at
    if (sign === open.at(-1) && (wanted === 'next' || wanted.endsWith('or end'))) {
      open.pop()
      at++
      wanted = after()
    } else if (wanted === 'next') {
      if (sign !== ',') return at
      at++
      wanted = open.at(-1) === '}' ? 'key' : 'value'
    } else if (wanted === 'colon') {
      if (sign !== ':') return at
      at++
      wanted = 'value'
    } else if (wanted.startsWith('key')) {
      if (!take(text)) return at
      wanted = 'colon'
    } else if (sign === '{' || sign === '[') {
      open.push(sign === '{' ? '}' : ']')
      at++
      wanted = sign === '{' ? 'key or end' : 'value or end'
    } else {
      if (!take(scalar)) return at
      wanted = after()
    }
  }
}
