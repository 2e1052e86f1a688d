// Keeps a program running: what dies is started again, more slowly each time, and given up when it keeps dying at once.
import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { say } from './progress.ts'

/** Who has run for this long was well: what it dies of later is a new story. */
const WELL_MS = 30_000
/** So many deaths without one good run between them are no accident. */
const MOST_DEATHS = 5
const LONGEST_WAIT_MS = 4000

/** How a program ended for good. */
export interface End {
  code: number | null
  signal: NodeJS.Signals | null
  /** It kept dying, which has been said. */
  gaveUp: boolean
}

interface Program {
  /** As people call it: "controller". */
  name: string
  start: () => ChildProcess
  /** True for an end that starting it again would not mend. */
  isFinal: (code: number | null) => boolean
  firstWaitMs?: number
}

export async function keepRunning({ name, start, isFinal, firstWaitMs = 250 }: Program): Promise<End> {
  for (let deaths = 0; ; ) {
    const began = performance.now()
    const child = start()
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      child.once('exit', (...how) => resolve(how))
    })
    if (isFinal(code)) return { code, signal, gaveUp: false }
    deaths = performance.now() - began < WELL_MS ? deaths + 1 : 1
    const how = signal ?? `code ${code}`
    if (deaths > MOST_DEATHS) {
      say(`the ${name} has ended ${deaths} times in a row (${how}); it is not started again.`)
      return { code, signal, gaveUp: true }
    }
    say(`the ${name} ended (${how}); starting it again.`)
    await delay(Math.min(LONGEST_WAIT_MS, firstWaitMs * 2 ** (deaths - 1)))
  }
}
