// How long work holds the event loop, for tests of what must not.
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** The longest that one turn of the event loop has kept the processor, in milliseconds; waiting for it does not count. */
export async function longestTurn(work: Promise<unknown>): Promise<number> {
  // A worker has run other tests before: what they have left is not collected at the cost of this one.
  collectGarbage()
  let done = false
  void work.finally(() => {
    done = true
  })
  const spent = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  let longest = 0
  for (let before = spent(); !done; ) {
    await setImmediate()
    const now = spent()
    longest = Math.max(longest, now - before)
    before = now
  }
  await work
  return longest
}
