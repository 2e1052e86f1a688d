// The text of a glob, taken apart.

/** One thing behind the other. */
export type GlobPart =
  | { kind: 'characters'; takes: CharacterSet }
  /** Any number of characters that are no slash, or of any. */
  | { kind: 'star'; slashes: boolean }
  /** Nothing, or any text that ends with a slash. */
  | { kind: 'folders' }
  | { kind: 'options'; options: GlobPart[][] }

/** One character, by its code point. */
export interface CharacterSet {
  /** Those that are in none of them. */
  not: boolean
  /** First and last of each. */
  ranges: readonly (readonly [number, number])[]
}

/** brace, bracket: it is not closed. range: its end is before its beginning. escape: nothing follows. deep: too many braces. */
export type GlobMistake = 'brace' | 'bracket' | 'range' | 'escape' | 'deep'

export const slash = 47
const anyInFolder: CharacterSet = { not: true, ranges: [[slash, slash]] }
const deepest = 8

class Mistake extends Error {
  readonly what: GlobMistake

  constructor(what: GlobMistake) {
    super(what)
    this.what = what
  }
}

/** The pattern without the `!` before it. */
export function parseGlob(pattern: string): { parts?: GlobPart[]; mistake?: GlobMistake } {
  try {
    return { parts: new GlobParser(pattern).all() }
  } catch (error) {
    if (error instanceof Mistake) return { mistake: error.what }
    throw error
  }
}

class GlobParser {
  private readonly characters: readonly string[]
  private at = 0

  constructor(pattern: string) {
    this.characters = [...pattern]
  }

  all(): GlobPart[] {
    return this.sequence(0, true)
  }

  /** Up to the end, or inside of braces to what ends an option. `begins`: a name may begin here. */
  private sequence(depth: number, begins: boolean): GlobPart[] {
    const parts: GlobPart[] = []
    let begin = begins
    for (; this.at < this.characters.length; ) {
      const character = this.characters[this.at]!
      if (depth > 0 && (character === ',' || character === '}')) break
      this.at += 1
      const part = this.part(character, depth, begin)
      parts.push(part)
      begin = part.kind === 'folders' || character === '/'
    }
    return parts
  }

  private part(character: string, depth: number, begins: boolean): GlobPart {
    switch (character) {
      case '*':
        return this.stars(begins)
      case '?':
        return { kind: 'characters', takes: anyInFolder }
      case '[':
        return { kind: 'characters', takes: this.bracket() }
      case '{':
        return { kind: 'options', options: this.options(depth + 1, begins) }
      case '\\':
        return one(this.next('escape'))
      default:
        return one(character)
    }
  }

  private stars(begins: boolean): GlobPart {
    const first = this.at
    while (this.characters[this.at] === '*') this.at += 1
    if (this.at === first) return { kind: 'star', slashes: false }
    if (!begins || this.characters[this.at] !== '/') return { kind: 'star', slashes: true }
    this.at += 1
    return { kind: 'folders' }
  }

  private options(depth: number, begins: boolean): GlobPart[][] {
    if (depth > deepest) throw new Mistake('deep')
    const options: GlobPart[][] = []
    for (;;) {
      options.push(this.sequence(depth, begins))
      if (this.next('brace') === '}') return options
    }
  }

  private bracket(): CharacterSet {
    const not = this.characters[this.at] === '!' || this.characters[this.at] === '^'
    if (not) this.at += 1
    const ranges: [number, number][] = not ? [[slash, slash]] : []
    for (let first = true; first || this.characters[this.at] !== ']'; first = false) {
      const from = this.inBracket()
      const isRange = this.characters[this.at] === '-' && ![undefined, ']'].includes(this.characters[this.at + 1])
      if (isRange) this.at += 1
      const to = isRange ? this.inBracket() : from
      if (to < from) throw new Mistake('range')
      ranges.push([from, to])
    }
    this.at += 1
    return { not, ranges: not ? ranges : withoutSlash(ranges) }
  }

  private inBracket(): number {
    const character = this.next('bracket')
    return (character === '\\' ? this.next('bracket') : character).codePointAt(0)!
  }

  private next(mistake: GlobMistake): string {
    const character = this.characters[this.at]
    if (character === undefined) throw new Mistake(mistake)
    this.at += 1
    return character
  }
}

function one(character: string): GlobPart {
  const code = character.codePointAt(0)!
  return { kind: 'characters', takes: { not: false, ranges: [[code, code]] } }
}

function withoutSlash(ranges: readonly [number, number][]): [number, number][] {
  return ranges.flatMap(([from, to]): [number, number][] => {
    if (slash < from || slash > to) return [[from, to]]
    return [
      ...(from < slash ? [[from, slash - 1] as [number, number]] : []),
      ...(to > slash ? [[slash + 1, to] as [number, number]] : []),
    ]
  })
}
