// Owns the patterns that are looked for, as a tree of bytes that grows by one pattern at a time: adding one costs its length,
// however many there are. Pure.

/** The tree's root for texts as they are, and the one for what base64 makes of them. */
export const TEXT = 0
export const BASE64 = 1

/** Kinds of beginnings, as bits: how a place with these two bytes has to be looked at. */
export const AS_TEXT = 1
export const AS_HEX = 2
export const AS_BASE64 = 4
export const AS_CELLS = 8

/** What tools put between the bytes of a hex dump. */
export const GAP = ' :-,\n\r'

/** From so many children on, a node finds them through a table. */
const MANY = 24
/** The node behind the last byte of a tail. */
const END = 2
/** In a tail, marks its last byte. */
const LAST = 0x100

/**
 * A state is a node (0 and up) or a place in a tail (below 0). A tail is what is left of a pattern where no other one shares
 * it; so long patterns need few nodes.
 */
export class PatternTree {
  /** starts[first << 8 | second]: bits of what may begin with these two bytes; 0 nearly everywhere in ordinary output. */
  readonly starts = new Uint8Array(65_536)
  /** follows[second << 8 | third]: of these kinds, what may go on with them. Texts may with anything. */
  readonly follows = new Uint8Array(65_536).fill(AS_TEXT)
  /** Whether anything may begin with this byte. */
  readonly firsts = new Uint8Array(256)
  #size = 3
  #byte = new Uint8Array(256)
  /** First child, or minus (1 + the table's number); 0: none. */
  #child = new Int32Array(256)
  #sibling = new Int32Array(256)
  /** The tail that is all that follows, as a state; 0: none. */
  #tail = new Int32Array(256)
  #ends = new Uint8Array(256)
  readonly #tables: Int32Array[] = []
  #tails = new Uint16Array(4096)
  #tailsSize = 0

  constructor() {
    for (const root of [TEXT, BASE64]) this.#widen(root)
    this.#ends[END] = 1
  }

  get isEmpty(): boolean {
    return this.#size === 3
  }

  add(root: number, pattern: Uint8Array): void {
    let node = root
    for (let at = 0; at < pattern.length; at++) {
      this.#unfold(node)
      const next = this.#childOf(node, pattern[at]!)
      if (next === 0) {
        node = this.#grow(node, pattern[at]!)
        if (at + 1 < pattern.length) this.#tail[node] = this.#write(pattern.subarray(at + 1))
        else this.#ends[node] = 1
        return
      }
      node = next
    }
    this.#ends[node] = 1
  }

  /** Marks that something of this kind may begin with these two bytes. */
  mark(first: number, second: number, kind: number): void {
    this.starts[(first << 8) | second]! |= kind
    this.firsts[first] = 1
  }

  markNext(second: number, third: number, kind: number): void {
    this.follows[(second << 8) | third]! |= kind
  }

  /** 0: no pattern goes on like this. */
  next(state: number, byte: number): number {
    const place = state < 0 ? state : this.#tail[state]!
    if (place === 0) return this.#childOf(state, byte)
    const expected = this.#tails[-place]!
    if ((expected & 255) !== byte) return 0
    return expected & LAST ? END : place - 1
  }

  endsAt(state: number): boolean {
    return state >= 0 && this.#ends[state] === 1
  }

  isLeaf(state: number): boolean {
    return state >= 0 && this.#child[state] === 0 && this.#tail[state] === 0
  }

  #childOf(node: number, byte: number): number {
    let child = this.#child[node]!
    if (child < 0) return this.#tables[-child - 1]![byte]!
    while (child !== 0 && this.#byte[child] !== byte) child = this.#sibling[child]!
    return child
  }

  /** The first byte of a node's tail becomes a node of its own, which has the rest. */
  #unfold(node: number): void {
    const place = this.#tail[node]!
    if (place === 0) return
    this.#tail[node] = 0
    const first = this.#tails[-place]!
    const child = this.#grow(node, first & 255)
    if (first & LAST) this.#ends[child] = 1
    else this.#tail[child] = place - 1
  }

  #write(rest: Uint8Array): number {
    // Place 0 would be no state below 0.
    if (this.#tailsSize === 0) this.#tailsSize = 1
    while (this.#tailsSize + rest.length > this.#tails.length) this.#tails = larger(this.#tails)
    const from = this.#tailsSize
    this.#tails.set(rest, from)
    this.#tailsSize += rest.length
    this.#tails[this.#tailsSize - 1]! |= LAST
    return -from
  }

  #grow(parent: number, byte: number): number {
    if (this.#size === this.#byte.length) {
      this.#byte = larger(this.#byte)
      this.#ends = larger(this.#ends)
      this.#child = larger(this.#child)
      this.#sibling = larger(this.#sibling)
      this.#tail = larger(this.#tail)
    }
    const node = this.#size++
    this.#byte[node] = byte
    const child = this.#child[parent]!
    if (child < 0) this.#tables[-child - 1]![byte] = node
    else {
      this.#sibling[node] = child
      this.#child[parent] = node
      let count = 0
      for (let one = node; one !== 0; one = this.#sibling[one]!) count++
      if (count > MANY) this.#widen(parent)
    }
    return node
  }

  #widen(node: number): void {
    const table = new Int32Array(256)
    for (let child = this.#child[node]!; child !== 0; child = this.#sibling[child]!) table[this.#byte[child]!] = child
    this.#tables.push(table)
    this.#child[node] = -this.#tables.length
  }
}

function larger<T extends Uint8Array | Uint16Array | Int32Array>(array: T): T {
  const copy = new (array.constructor as new (length: number) => T)(array.length * 2)
  copy.set(array)
  return copy
}
