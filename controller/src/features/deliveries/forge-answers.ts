// What forges have answered lately: whoever has a delivery explained again and again spends none of the connection's calls.
import type { Clock } from '../../platform/clock.ts'

const keptMs = 5 * 60_000
/** The oldest go first. */
const mostKept = 2000

/** The same question gets the same answer for five minutes; one that failed is asked anew. */
export type ForgeAnswers = <T>(question: string, ask: () => Promise<T>) => Promise<T>

export function forgeAnswers(clock: Clock): ForgeAnswers {
  const kept = new Map<string, { answer: Promise<unknown>; until: number }>()
  return <T>(question: string, ask: () => Promise<T>): Promise<T> => {
    const now = clock.now().getTime()
    const known = kept.get(question)
    if (known && known.until > now) return known.answer as Promise<T>
    kept.delete(question)
    const answer = ask()
    kept.set(question, { answer, until: now + keptMs })
    const [oldest] = kept.keys()
    if (kept.size > mostKept) kept.delete(oldest!)
    answer.catch(() => kept.get(question)?.answer === answer && kept.delete(question))
    return answer
  }
}
