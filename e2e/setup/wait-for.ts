// Waits for a condition instead of a time.

interface WaitOptions {
  what: string
  timeoutMs?: number
  /** For what is there only for a moment. Usually the pauses grow: asking costs the processor time for which the test waits. */
  everyMs?: number
  /** True: waiting on is pointless. */
  fatal?: () => boolean
  /** Told when it fails. */
  detail?: () => string
}

const firstPauseMs = 20
const longestPauseMs = 100

/** Answers the first truthy result; errors of the condition are kept for the failure's message. */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const until = Date.now() + (options.timeoutMs ?? 10_000)
  let last: unknown
  for (let pause = firstPauseMs; Date.now() < until; pause = Math.min(pause * 1.25, longestPauseMs)) {
    try {
      const result = await condition()
      if (result) return result as NonNullable<T>
      last = undefined
    } catch (error) {
      last = error
    }
    if (options.fatal?.()) break
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? pause))
  }
  const because = last instanceof Error ? `: ${last.message}` : ''
  throw new Error(`Waited in vain until ${options.what}${because}${options.detail ? `\n${options.detail()}` : ''}`)
}
