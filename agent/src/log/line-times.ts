// Owns when each line of a log was seen: marks of (bytes so far, time), coarser the more of them there are. Pure but for the clock.

export interface LineTimes {
  /** The log has this many bytes now. */
  mark(size: number): void
  /** When the byte before `offset` was there, in milliseconds since the epoch. */
  at(offset: number): number
  /** Offsets before this one are not asked for any more. */
  forget(offset: number): void
}

const MAX_MARKS = 4096

export function createLineTimes(now: () => number = Date.now): LineTimes {
  let sizes: number[] = []
  let times: number[] = []
  const oldest = now()
  const indexOf = (offset: number): number => {
    let low = 0
    let high = sizes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (sizes[middle]! < offset) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    mark(size) {
      const time = now()
      if (sizes.length > 0 && times.at(-1)! >= time) sizes[sizes.length - 1] = size
      else {
        sizes.push(size)
        times.push(time)
      }
      if (sizes.length > MAX_MARKS) {
        // Every second mark goes: lines in between get the time of the later one.
        sizes = sizes.filter((_, i) => i % 2 === 1 || i === sizes.length - 1)
        times = times.filter((_, i) => i % 2 === 1 || i === times.length - 1)
      }
    },
    at(offset) {
      const index = indexOf(offset)
      return times[index] ?? times.at(-1) ?? oldest
    },
    forget(offset) {
      const index = indexOf(offset)
      if (index < 256) return
      sizes = sizes.slice(index)
      times = times.slice(index)
    },
  }
}
