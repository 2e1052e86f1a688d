// Takes one measurement, bounded in time.
import type { Context } from './context.ts'
import { checked, type Measurement, type Reading } from './measurement.ts'

const longestMs = 10 * 60_000

/** Throws when it is broken: it throws, does not end, or gives no number. */
export async function take(one: Measurement, context: Context): Promise<Record<string, Reading>> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${one.name} did not end within ${longestMs / 60_000} minutes.`)),
      longestMs,
    )
  })
  try {
    return checked(one, await Promise.race([one.run(context), late]))
  } finally {
    clearTimeout(timer)
  }
}
