// Owns the matching inside the masker: gives input on with every find replaced, holding back what may still become one.
import { behindText, cellAt, nextLine } from './dumps.ts'
import { controlOf, digit, MAX_DEPTH, mayEscape, meanings, onlyMeaning } from './escapes.ts'
import { AS_BASE64, AS_CELLS, AS_HEX, AS_TEXT, BASE64, GAP, type PatternTree, TEXT } from './pattern-tree.ts'

export const STARS = Buffer.from('***')

const EMPTY = Buffer.alloc(0)
const JOINED = 4096
const NEWLINE = 10
const RETURN = 13
const BACKSLASH = 92
const SLASH = 47
const PERCENT = 37
const SPACE = 32
const ZERO = 48
const LETTER_X = 120
/**
 * Escape sequences looked at from one place. Only a value full of backslashes in an output full of them has more; what was
 * looked at so far is then masked.
 */
const MAX_STEPS = 100
/** Places, bytes and escape sequences looked at in one go: some milliseconds. */
const MAX_WORK = 20_000
/** How deep a text is escaped with backslashes is known from its first one. */
const UNDECIDED = -1
/** More backslashes in a row than any depth makes. */
const LONG_RUN = 16
/** So many signs may stand between the bytes of a hex dump. */
const MAX_GAP = 6
const gap = new Uint8Array(256)
for (const byte of Buffer.from(GAP)) gap[byte] = 1

export class FindSecrets {
  /** Input offset up to which everything is given out and no find can reach back. */
  position: number
  /** Whether a line begins at `position`. */
  atLineStart: boolean
  readonly #tree: PatternTree
  /** Input that is not decided, from offset `#from` to the end of what was pushed. */
  #held: Buffer = EMPTY
  #from: number
  /** The byte before `#from`. */
  #before: number
  /** Offsets of a find that a later one may still extend; nothing when the end is -1. */
  #openStart = 0
  #openEnd = -1
  // Of one look at one place.
  #bytes: Buffer = EMPTY
  #longest = 0
  #steps = 0
  #walked = 0
  #cut = false
  readonly #input = {
    at: (index: number) => {
      this.#walked++
      return this.#at(index)
    },
  }

  constructor(tree: PatternTree, position = 0, atLineStart = true) {
    this.#tree = tree
    this.position = position
    this.#from = position
    this.atLineStart = atLineStart
    this.#before = atLineStart ? NEWLINE : 0
  }

  /** False: `goOn` has to be called until it answers true, before anything else is. */
  push(input: Buffer, out: Buffer[]): boolean {
    if (input.length === 0) return true
    if (this.#tree.isEmpty) {
      this.#pass(input, input, out)
      return true
    }
    if (this.#held.length === 0) return this.#scan(input, false, out)
    // Not all of a large input is copied for the sake of a few bytes before it.
    const done = this.#scan(Buffer.concat([this.#held, input.subarray(0, JOINED)]), false, out)
    const rest = input.subarray(JOINED)
    if (rest.length === 0) return done
    if (done && this.#held.length <= JOINED) return this.#scan(input.subarray(JOINED - this.#held.length), false, out)
    this.#held = Buffer.concat([this.#held, rest])
    return false
  }

  goOn(out: Buffer[]): boolean {
    return this.#scan(this.#held, false, out)
  }

  /** Ends what is held back, then gives `by` in the place of `input` (and of `dropped` bytes that were not kept). */
  replace(input: Buffer, by: Buffer, out: Buffer[], dropped = 0): void {
    this.flush(out)
    this.#from += dropped
    this.position += dropped
    this.#pass(input, by, out)
  }

  /** Nothing follows that could complete a find: what is held back goes out. */
  flush(out: Buffer[]): void {
    while (!this.#scan(this.#held, true, out));
  }

  /** False: it stopped after so much work. */
  #scan(bytes: Buffer, isEnd: boolean, out: Buffer[]): boolean {
    const { firsts } = this.#tree
    const first = this.#from
    const last = bytes.length - 1
    this.#bytes = bytes
    let given = this.#openEnd < 0 ? 0 : this.#openEnd - first
    let at = 0
    let work = 0
    for (;;) {
      at = nextStart(bytes, at, last, this.#tree)
      if (at >= last && (isEnd || last < 0 || firsts[bytes[last]!] === 0)) at = bytes.length
      if (this.#openEnd >= 0 && first + at >= this.#openEnd) {
        out.push(STARS)
        this.#openEnd = -1
      }
      if (at >= last) break
      if (bytes[at] === BACKSLASH) {
        const next = this.#behindRun(at)
        if (next < 0 && !isEnd) break
        if (next > at) {
          at = next
          continue
        }
      }
      if (work > MAX_WORK) break
      const end = this.#findAt(at)
      work += 1 + this.#steps + (this.#walked >> 2)
      if (this.#cut && !isEnd) break
      if (end > 0 && this.#openEnd < 0) {
        if (at > given) out.push(bytes.subarray(given, at))
        this.#openStart = first + at
      }
      if (end > 0) {
        this.#openEnd = Math.max(this.#openEnd, first + end)
        given = this.#openEnd - first
      }
      at++
    }
    if (this.#openEnd < 0 && at > given) out.push(bytes.subarray(given, at))
    if (at > 0) this.#before = bytes[at - 1]!
    this.#from = first + at
    this.#held = at === bytes.length ? EMPTY : Buffer.from(bytes.subarray(at))
    this.#bytes = EMPTY
    if (this.#openEnd < 0) {
      this.position = this.#from
      this.atLineStart = this.#before === NEWLINE
    } else if (this.#openStart > this.position) {
      this.position = this.#openStart
      this.atLineStart = this.#openStart > first && bytes[this.#openStart - first - 1] === NEWLINE
    }
    return work <= MAX_WORK
  }

  #pass(input: Buffer, by: Buffer, out: Buffer[]): void {
    if (by.length > 0) out.push(by)
    if (input.length > 0) this.#before = input.at(-1)!
    this.#from += input.length
    this.position = this.#from
    this.atLineStart = this.#before === NEWLINE
  }

  /** End of the longest occurrence that begins here, or 0. Sets `#cut` when more input could change the answer. */
  #findAt(at: number): number {
    const { starts, follows } = this.#tree
    const bytes = this.#bytes
    let kinds = starts[(bytes[at]! << 8) | bytes[at + 1]!]!
    if (at + 2 < bytes.length) kinds &= follows[(bytes[at + 1]! << 8) | bytes[at + 2]!]!
    this.#longest = 0
    this.#steps = 0
    this.#walked = 0
    this.#cut = false
    if (kinds & AS_TEXT) this.#walkText(TEXT, at, UNDECIDED)
    if (kinds & AS_HEX) this.#walkHex(TEXT, at)
    if (kinds & AS_CELLS) this.#walkCells(at)
    if (kinds & AS_BASE64) this.#walkBase64(at)
    return this.#longest
  }

  /**
   * The next place in or behind a run of backslashes where something can begin: at its first or its last one, if what
   * stands behind the run is what any pattern begins with. Below 0: more input decides.
   */
  #behindRun(at: number): number {
    const bytes = this.#bytes
    const { starts } = this.#tree
    if (this.#tree.next(TEXT, BACKSLASH) !== 0) return at
    let end = at + 1
    while (end - at < LONG_RUN && bytes[end] === BACKSLASH) end++
    if (end + 1 >= bytes.length) return -1
    const byte = bytes[end]!
    if (byte === BACKSLASH) return end - LONG_RUN / 2
    if (starts[(BACKSLASH << 8) | byte] === 0) return end
    if (controlOf(byte) === -1 && starts[(byte << 8) | bytes[end + 1]!] === 0) return end
    const before = at > 0 ? bytes[at - 1] : this.#before
    return before === BACKSLASH && end - at > 1 ? end - 1 : at
  }

  #at(index: number): number {
    if (index < this.#bytes.length) return this.#bytes[index]!
    this.#cut = true
    return -1
  }

  /** Every character as it is or as an escape sequence, in any mixture. */
  #walkText(from: number, begin: number, depthBefore: number): void {
    const tree = this.#tree
    const bytes = this.#bytes
    let state = from
    let depth = depthBefore
    for (let at = begin; ; at++) {
      this.#walked++
      if (tree.endsAt(state)) {
        this.#longest = Math.max(this.#longest, at)
        if (tree.isLeaf(state)) return
      }
      if (at === bytes.length) {
        this.#cut = true
        return
      }
      const byte = bytes[at]!
      if (mayEscape(byte)) {
        if (++this.#steps > MAX_STEPS) {
          this.#longest = Math.max(this.#longest, at)
          return
        }
        if (byte === BACKSLASH && depth > 0) {
          // In a text that is escaped with backslashes, none stands for itself.
          this.#walkMeanings(state, at, depth)
          return
        }
        if (byte !== BACKSLASH) this.#walkMeanings(state, at, depth)
        else if (depth === UNDECIDED) {
          if (this.#goesOn(state, at)) for (let each = 1; each <= MAX_DEPTH; each++) this.#walkMeanings(state, at, each)
          depth = 0
        }
      }
      state = tree.next(state, byte)
      if (state === 0) return
    }
  }

  #walkMeanings(state: number, at: number, depth: number): void {
    const only = onlyMeaning(this.#bytes[at]!, this.#at(at + 1))
    if (only >= 0 && this.#tree.next(state, only) === 0) return
    for (const { bytes, next } of meanings(this.#input, at, depth)) {
      let there = state
      for (const one of bytes) {
        there = this.#tree.next(there, one)
        if (there === 0) break
      }
      if (there !== 0) this.#walkText(there, next, depth)
    }
  }

  /** Whether any pattern goes on with what the backslashes from here on may mean: a quick look, which is mostly in vain. */
  #goesOn(state: number, at: number): boolean {
    const tree = this.#tree
    if (tree.next(state, BACKSLASH) !== 0) return true
    let next = at + 1
    while (next < at + 2 ** MAX_DEPTH && this.#at(next) === BACKSLASH) next++
    const byte = this.#at(next)
    if (byte < 0) return true
    const control = controlOf(byte)
    if (control === -2 || (control >= 0 && tree.next(state, control) !== 0)) return true
    return tree.next(state, byte) !== 0
  }

  /** Byte by byte, also over the lines of a dump with their offsets and texts. */
  #walkHex(from: number, begin: number): void {
    const tree = this.#tree
    let node = from
    for (let at = begin; ; at += 2) {
      if (tree.endsAt(node)) this.#longest = Math.max(this.#longest, behindText(this.#input, at))
      if (tree.isLeaf(node)) return
      if (at > begin) {
        const line = nextLine(this.#input, at)
        if (line > 0) {
          if (++this.#steps > MAX_STEPS) {
            this.#longest = Math.max(this.#longest, at)
            return
          }
          this.#walkHex(node, line)
        }
        for (let signs = 0; signs < MAX_GAP && gap[this.#at(at)] === 1; signs++) at++
        if (this.#at(at) === ZERO && (this.#at(at + 1) | 32) === LETTER_X) at += 2
      }
      const high = digit(this.#at(at), 16)
      const low = high < 0 ? -1 : digit(this.#at(at + 1), 16)
      if (low < 0) return
      node = tree.next(node, high * 16 + low)
      if (node === 0) return
    }
  }

  /** A character or three octal digits in each column; begins at the last blank before the digits, or the last but one before a character. */
  #walkCells(begin: number): void {
    const tree = this.#tree
    const isCharacter = this.#at(begin + 1) === SPACE
    let cell = isCharacter ? { byte: this.#at(begin + 2), next: begin + 3 } : cellAt(this.#input, begin)
    let node = TEXT
    while (cell && cell.byte >= 0) {
      node = tree.next(node, cell.byte)
      if (node === 0) return
      if (tree.endsAt(node)) this.#longest = Math.max(this.#longest, cell.next)
      if (tree.isLeaf(node)) return
      cell = cellAt(this.#input, cell.next)
    }
  }

  /** Of either alphabet; folded, as a string of JSON or within a URL. */
  #walkBase64(begin: number): void {
    const tree = this.#tree
    let node = BASE64
    for (let at = begin; ; ) {
      if (tree.endsAt(node)) this.#longest = Math.max(this.#longest, at)
      if (tree.isLeaf(node)) return
      let byte = this.#at(at++)
      if (at > begin + 1) {
        if (byte === RETURN) byte = this.#at(at++)
        if (byte === NEWLINE) byte = this.#at(at++)
        for (let times = 0; times < 2 && byte === BACKSLASH && isLineLetter(this.#at(at)); times++) {
          byte = this.#at(at + 1)
          at += 2
        }
      }
      if (byte === BACKSLASH && this.#at(at) === SLASH) byte = this.#at(at++)
      if (byte === PERCENT) {
        const [high, low] = [digit(this.#at(at), 16), digit(this.#at(at + 1), 16)]
        byte = high < 0 || low < 0 ? -1 : high * 16 + low
        at += 2
      }
      if (byte < 0) return
      node = tree.next(node, byte === 45 ? 43 : byte === 95 ? SLASH : byte)
      if (node === 0) return
    }
  }
}

/** The next place where three bytes stand with which anything may begin, or `last`. Nearly all time is spent here. */
function nextStart(bytes: Uint8Array, from: number, last: number, { starts, follows }: PatternTree): number {
  let at = from
  while (at < last) {
    // Four places for one decision: there is nothing at nearly all of them.
    let first = bytes[at]!
    while (at + 4 <= last) {
      const second = bytes[at + 1]!
      const third = bytes[at + 2]!
      const fourth = bytes[at + 3]!
      const fifth = bytes[at + 4]!
      const kinds =
        starts[(first << 8) | second]! |
        starts[(second << 8) | third]! |
        starts[(third << 8) | fourth]! |
        starts[(fourth << 8) | fifth]!
      if (kinds !== 0) break
      first = fifth
      at += 4
    }
    for (const end = Math.min(at + 4, last); at < end; at++) {
      const second = bytes[at + 1]!
      const kinds = starts[(bytes[at]! << 8) | second]!
      if (kinds !== 0 && (at + 1 === last || (kinds & follows[(second << 8) | bytes[at + 2]!]!) !== 0)) return at
    }
  }
  return at
}

function isLineLetter(byte: number): boolean {
  return byte === 110 || byte === 114
}
