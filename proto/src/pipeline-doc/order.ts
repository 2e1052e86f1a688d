// Owns the order strings of the shared document: a string between any two, so that inserting a step writes one value.

const digits = '0123456789abcdefghijklmnopqrstuvwxyz'
const base = digits.length
// Appending counts up in a number of this many digits, so that a thousand appended steps do not make long strings.
const countedDigits = 6
const appendStep = base + 1

function digitAt(text: string, index: number): number {
  const digit = digits.indexOf(text.charAt(index))
  return index < text.length && digit > 0 ? digit : 0
}

function stripZeros(text: string): string {
  return text.replace(/0+$/, '')
}

/**
 * A string that sorts after `after` and before `before`; undefined stands for the ends. When there is nothing between (two
 * people inserted at the same place), the answer is right after `after`.
 */
export function orderBetween(after: string | undefined, before: string | undefined): string {
  const low = after ?? ''
  if (before === undefined || before <= low) return orderAfter(low)
  let result = ''
  let bounded = true
  for (let i = 0; ; i += 1) {
    const lowDigit = digitAt(low, i)
    const highDigit = bounded ? digitAt(before, i) : base
    if (lowDigit === highDigit) {
      result += digits.charAt(lowDigit)
    } else if (highDigit - lowDigit > 1) {
      return result + digits.charAt((lowDigit + highDigit) >> 1)
    } else {
      result += digits.charAt(lowDigit)
      bounded = false
    }
    // A bound that is no longer than what both share (only from a damaged document) ends the search.
    if (i > low.length + before.length + 1) return orderAfter(low)
  }
}

function orderAfter(low: string): string {
  if (low === '') return 'i'
  let counted = 0
  for (let i = 0; i < countedDigits; i += 1) counted = counted * base + digitAt(low, i)
  counted += appendStep
  if (counted >= base ** countedDigits) return `${low}i`
  const next = stripZeros(counted.toString(base).padStart(countedDigits, '0'))
  return next > low ? next : `${low}i`
}

/**
 * New orders for items so that they sort as listed, keeping as many of the present ones as possible. Answers only the
 * items whose order changes.
 */
export function reorder(items: readonly { id: string; ord: string | undefined }[]): Map<string, string> {
  const kept = longestIncreasing(items.map((item) => item.ord))
  const changed = new Map<string, string>()
  let previous: string | undefined
  let waiting: string[] = []
  const give = (next: string | undefined): void => {
    const orders = ordersBetween(previous, next, waiting.length)
    for (const [index, id] of waiting.entries()) changed.set(id, orders[index]!)
    previous = next ?? orders.at(-1) ?? previous
    waiting = []
  }
  for (const [index, { id, ord }] of items.entries()) {
    if (kept.has(index)) give(ord)
    else waiting.push(id)
  }
  give(undefined)
  return changed
}

/** `count` orders that rise from `after` to `before`: halved again and again, so that they stay short however many they are. */
function ordersBetween(after: string | undefined, before: string | undefined, count: number): string[] {
  const orders: string[] = []
  const halve = (low: string | undefined, high: string, inside: number): void => {
    if (inside === 0) return
    const middle = orderBetween(low, high)
    const left = (inside - 1) >> 1
    halve(low, middle, left)
    orders.push(middle)
    halve(middle, high, inside - 1 - left)
  }
  if (before !== undefined) halve(after, before, count)
  // At the end there is always room.
  else while (orders.length < count) orders.push(orderBetween(orders.at(-1) ?? after, undefined))
  return orders
}

/** Indexes of a longest strictly increasing subsequence. */
function longestIncreasing(values: readonly (string | undefined)[]): Set<number> {
  const ends: number[] = []
  const before: number[] = []
  values.forEach((value, index) => {
    if (value === undefined || value === '') return
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((values[ends[middle] as number] as string) < value) low = middle + 1
      else high = middle
    }
    before[index] = low > 0 ? (ends[low - 1] as number) : -1
    ends[low] = index
  })
  const kept = new Set<number>()
  let index = ends.at(-1) ?? -1
  while (index >= 0) {
    kept.add(index)
    index = before[index] as number
  }
  return kept
}
