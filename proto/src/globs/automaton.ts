// A glob as an automaton: the sets of places that its text can have come to are found as they are needed, and kept up to a number.
import { type CharacterSet, type GlobPart, slash } from './parse.ts'

/** A place in the pattern: a character that leads to another, or a choice between several without one. */
type Place = { takes: CharacterSet; next: number } | { choices: number[] } | undefined

interface State {
  /** Places with a character, in order. */
  places: readonly number[]
  ends: boolean
  /** By class of characters. */
  next: (State | undefined)[]
}

/** More would be kept for patterns that somebody has made for it; they are found anew then. */
const mostStates = 500
const asciiCodes = 128

export class Automaton {
  private readonly places: Place[] = [undefined]
  private readonly first: number | undefined
  /** Where the characters begin that differ for this pattern: all between two of them are one class. */
  private readonly bounds: number[]
  private readonly ascii = new Uint16Array(asciiCodes)
  private states = new Map<string, State>()
  private start: State | undefined

  /** Undefined: it matches nothing. */
  constructor(parts: readonly GlobPart[] | undefined) {
    const bounds = new Set([0, slash, slash + 1])
    this.first = parts && this.sequence(parts, 0, bounds)
    this.bounds = [...bounds].sort((a, b) => a - b)
    for (let code = 0; code < asciiCodes; code += 1) this.ascii[code] = this.searchClass(code)
  }

  takes(text: string): boolean {
    if (this.first === undefined) return false
    this.start ??= this.stateOf([this.first])
    let state = this.start
    for (let i = 0; i < text.length; i += 1) {
      let code = text.charCodeAt(i)
      if (code >= 0xd800 && code < 0xdc00) {
        code = text.codePointAt(i)!
        if (code > 0xffff) i += 1
      }
      const kind = code < asciiCodes ? this.ascii[code]! : this.searchClass(code)
      state = state.next[kind] ?? this.step(state, kind)
      if (state.places.length === 0 && !state.ends) return false
    }
    return state.ends
  }

  /** The place where a sequence begins that goes on at `next`; place 0 is the end. */
  private sequence(parts: readonly GlobPart[], next: number, bounds: Set<number>): number {
    return parts.reduceRight((then, part) => this.part(part, then, bounds), next)
  }

  private part(part: GlobPart, next: number, bounds: Set<number>): number {
    switch (part.kind) {
      case 'characters':
        for (const [from, to] of part.takes.ranges) bounds.add(from).add(to + 1)
        return this.places.push({ takes: part.takes, next }) - 1
      case 'star':
        return this.loop(part.slashes ? [] : [[slash, slash]], next)
      case 'folders': {
        const end = this.places.push({ takes: { not: false, ranges: [[slash, slash]] }, next }) - 1
        return this.places.push({ choices: [next, this.loop([], end)] }) - 1
      }
      case 'options':
        return this.places.push({ choices: part.options.map((each) => this.sequence(each, next, bounds)) }) - 1
    }
  }

  private loop(except: CharacterSet['ranges'], next: number): number {
    const choices = [next]
    const at = this.places.push({ choices }) - 1
    choices.push(this.places.push({ takes: { not: true, ranges: except }, next: at }) - 1)
    return at
  }

  private searchClass(code: number): number {
    let low = 0
    let high = this.bounds.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.bounds[middle]! <= code) low = middle
      else high = middle
    }
    return low
  }

  private step(from: State, kind: number): State {
    const code = this.bounds[kind]!
    const reached: number[] = []
    for (const at of from.places) {
      const place = this.places[at]
      if (place && 'takes' in place && isIn(place.takes, code)) reached.push(place.next)
    }
    // Also forgets those that lead to what is forgotten.
    if (this.states.size >= mostStates) {
      this.states = new Map()
      this.start = undefined
      return this.stateOf(reached)
    }
    const state = this.stateOf(reached)
    from.next[kind] = state
    return state
  }

  /** Everything that is reached without a character belongs to it. */
  private stateOf(begin: readonly number[]): State {
    const seen = new Set<number>()
    const left = [...begin]
    for (let at = left.pop(); at !== undefined; at = left.pop()) {
      if (seen.has(at)) continue
      seen.add(at)
      const place = this.places[at]
      if (place && 'choices' in place) left.push(...place.choices)
    }
    const places = [...seen].filter((at) => at !== 0 && 'takes' in this.places[at]!).sort((a, b) => a - b)
    const ends = seen.has(0)
    const key = `${ends ? '.' : ''}${places.join()}`
    let state = this.states.get(key)
    if (state === undefined) {
      state = { places, ends, next: [] }
      this.states.set(key, state)
    }
    return state
  }
}

function isIn({ not, ranges }: CharacterSet, code: number): boolean {
  return ranges.some(([from, to]) => code >= from && code <= to) !== not
}
