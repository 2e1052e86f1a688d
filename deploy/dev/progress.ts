// What the two commands print while they work: one line when a thing begins, one when it ends, with its seconds.
const color = process.stdout.isTTY
  ? (code: number, text: string) => `\u001b[${code}m${text}\u001b[0m`
  : (_: number, text: string) => text

export function say(text: string): void {
  process.stdout.write(`ansflow: ${text}\n`)
}

/** Runs `work`, saying what and how long; rethrows what it throws. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  say(`${what} …`)
  const still = setInterval(
    () => say(`${what}: still at it after ${Math.round((performance.now() - began) / 1000)} s`),
    20_000,
  )
  try {
    const result = await work()
    say(`${color(32, '✓')} ${what} (${seconds(began)})`)
    return result
  } catch (error) {
    say(`${color(31, '✗')} ${what} (${seconds(began)})`)
    throw error
  } finally {
    clearInterval(still)
  }
}

function seconds(began: number): string {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`
}

/** A failure whose message is the whole story for the person at the terminal. */
export class Sentence extends Error {}
