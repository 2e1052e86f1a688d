// Owns linear multi-pattern matching on bytes: an Aho-Corasick automaton as one dense table over the bytes that occur. Pure.

export interface Automaton {
  /** Maps a byte to its class; bytes that are in no pattern share class 0. */
  classes: Uint8Array
  width: number
  /** next[state * width + class] */
  next: Uint16Array | Int32Array
  /** Length of the longest pattern prefix that ends here. */
  depth: Int32Array
  /** Length of the longest pattern that ends here, or 0. */
  match: Int32Array
  longest: number
  /** pairs[first << 8 | second] is 1 for the first two bytes of each pattern: what to look for while nothing is under way. */
  pairs: Uint8Array
}

/** Patterns have at least two bytes. */
export function buildAutomaton(patterns: readonly Uint8Array[]): Automaton {
  const { classes, width } = classify(patterns)
  let next = new Int32Array(256 * width)
  let depth = new Int32Array(256)
  let match = new Int32Array(256)
  let states = 1
  let longest = 0
  const pairs = new Uint8Array(65_536)
  for (const pattern of patterns) {
    pairs[(pattern[0]! << 8) | pattern[1]!] = 1
    let state = 0
    for (const byte of pattern) {
      const at = state * width + classes[byte]!
      if (next[at] === 0) {
        if (states === depth.length) {
          next = grown(next)
          depth = grown(depth)
          match = grown(match)
        }
        depth[states] = depth[state]! + 1
        next[at] = states++
      }
      state = next[at]!
    }
    match[state] = pattern.length
    longest = Math.max(longest, pattern.length)
  }
  completeBreadthFirst(next, match, width, states)
  const table = next.subarray(0, states * width)
  return {
    classes,
    width,
    next: states <= 0xffff ? Uint16Array.from(table) : table.slice(),
    depth: depth.slice(0, states),
    match: match.slice(0, states),
    longest,
    pairs,
  }
}

function classify(patterns: readonly Uint8Array[]): { classes: Uint8Array; width: number } {
  const used = new Set<number>()
  for (const pattern of patterns) for (const byte of pattern) used.add(byte)
  const classes = new Uint8Array(256)
  // With all 256 bytes in use there is no class left for "none": the bytes are their own classes.
  if (used.size === 256) return { classes: classes.map((_, byte) => byte), width: 256 }
  let width = 1
  for (const byte of used) classes[byte] = width++
  return { classes, width }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}

/** Turns the trie into a full table: a missing edge goes where the longest proper suffix would go. */
function completeBreadthFirst(next: Int32Array, match: Int32Array, width: number, states: number): void {
  const fail = new Int32Array(states)
  const queue = new Int32Array(states)
  let tail = 0
  for (let c = 0; c < width; c++) if (next[c] !== 0) queue[tail++] = next[c]!
  for (let head = 0; head < tail; head++) {
    const state = queue[head]!
    const suffix = fail[state]!
    match[state] = Math.max(match[state]!, match[suffix]!)
    for (let c = 0; c < width; c++) {
      const at = state * width + c
      const child = next[at]!
      const through = next[suffix * width + c]!
      if (child === 0) next[at] = through
      else {
        fail[child] = through
        queue[tail++] = child
      }
    }
  }
}
