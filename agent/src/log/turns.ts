// Owns the sharing of the event loop: long work is cut into slices, and of all slices that wait, one is worked a turn of the loop.
// So heartbeats and the other jobs never wait for more than a slice.

/** How long one slice may take before it waits for its next turn. */
const SLICE_MS = 10

const waiting: (() => void)[] = []

/** Resolves when it is the caller's turn; who came first is first. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(next)
  })
}

function next(): void {
  const resolve = waiting.shift()
  if (waiting.length > 0) setImmediate(next)
  resolve?.()
}

/** Works off steps in turns; false: `goesOn` said no in between. */
export async function inTurns(steps: Iterable<void>, goesOn: () => boolean): Promise<boolean> {
  let began = performance.now()
  for (const _ of steps) {
    if (performance.now() - began < SLICE_MS) continue
    await turn()
    if (!goesOn()) return false
    began = performance.now()
  }
  return true
}
