// Waiting for a condition instead of for time.

/** Resolves with the first truthy answer; rejects after `timeoutMs`, with the last error if there was one. */
export async function waitFor<T>(condition: () => T | Promise<T>, timeoutMs = 10_000): Promise<NonNullable<T>> {
  const end = Date.now() + timeoutMs
  let last: unknown
  for (let pause = 2; ; pause = Math.min(pause * 1.5, 50)) {
    try {
      const answer = await condition()
      if (answer) return answer as NonNullable<T>
      last = undefined
    } catch (error) {
      last = error
    }
    if (Date.now() > end)
      throw last ?? new Error(`What was waited for did not happen within ${timeoutMs} ms: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}
