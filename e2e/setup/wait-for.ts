// Waits for a condition instead of a time.

interface WaitOptions {
  what: string
  timeoutMs?: number
  everyMs?: number
  /** True: waiting on is pointless. */
  fatal?: () => boolean
  /** Told when it fails. */
  detail?: () => string
}

/** Answers the first truthy result; errors of the condition are kept for the failure's message. */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const until = Date.now() + (options.timeoutMs ?? 10_000)
  let last: unknown
  while (Date.now() < until) {
    try {
      const result = await condition()
      if (result) return result as NonNullable<T>
      last = undefined
    } catch (error) {
      last = error
    }
    if (options.fatal?.()) break
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 25))
  }
  const because = last instanceof Error ? `: ${last.message}` : ''
  throw new Error(`Waited in vain until ${options.what}${because}${options.detail ? `\n${options.detail()}` : ''}`)
}
