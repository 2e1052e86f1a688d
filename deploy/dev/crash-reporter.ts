// Writes down which test files died with their process, which is the runtime's fault or a machine's, and which errors were anybody's.
import { writeFileSync } from 'node:fs'
import type { Reporter } from 'vitest/node'

/** What it writes, as JSON, into the file that `ANSFLOW_TEST_CRASHES` names. */
export interface Crashes {
  died: { file: string; signal: string }[]
  /** Errors that belong to no test, and are none of a process that died. */
  others: number
}

const death = /exited unexpectedly with signal (SIGSEGV|SIGBUS|SIGILL|SIGTRAP) .*while running test file (.+)$/

export default class CrashReporter implements Reporter {
  onTestRunEnd(...[, errors]: Parameters<NonNullable<Reporter['onTestRunEnd']>>): void {
    const path = process.env['ANSFLOW_TEST_CRASHES']
    if (!path) return
    const crashes: Crashes = { died: [], others: 0 }
    for (const error of errors) {
      const said = death.exec((error.cause as { message?: string } | undefined)?.message ?? error.message)
      if (said) crashes.died.push({ signal: said[1]!, file: said[2]! })
      else crashes.others++
    }
    writeFileSync(path, JSON.stringify(crashes))
  }
}
