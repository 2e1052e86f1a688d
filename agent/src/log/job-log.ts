// Owns a job's log as the job sees it: opened with its limits, and not closed before what is secret in it is known.
import { setTimeout as delay } from 'node:timers/promises'
import type { JobFolder } from '../job/journal.ts'
import type { StepHost } from '../steps/step-kind.ts'
import { LogSpool } from './log-spool.ts'

/** How long a job found after a restart waits for its secrets while the controller is there. */
const SECRETS_MS = 60_000

export function openLog(folder: JobFolder, { config, launcher }: StepHost): LogSpool {
  return new LogSpool(folder.spoolFiles(), config.logLimit, (bytes) => launcher.punch(folder.ref.jobId, bytes))
}

/**
 * After a restart the secrets are unknown until the controller sends them again; it may be away for long. To a job whose end it knows
 * it sends none.
 */
export async function secretsKnown(
  spool: LogSpool,
  isWanted: () => boolean,
  isConnected: () => boolean,
  isEndKnown: () => boolean,
): Promise<void> {
  for (let waited = 0; !spool.hasMasks && isWanted(); ) {
    await delay(50)
    if (isConnected()) waited += 50
    if (waited > SECRETS_MS || isEndKnown()) return spool.finishWithoutSecrets()
  }
}

/** On a disk without room a step ends all the same, without the line that says why. */
export function sayIfKept(spool: LogSpool | undefined, line: string): void {
  try {
    spool?.say(line)
  } catch {
    // Whoever writes the step's own output next meets the same disk and says so.
  }
}
