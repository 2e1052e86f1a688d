// The last lines of steps that failed. Secrets were masked before a line was stored.
import type { Db } from '../../platform/db.ts'
import { readLines } from '../logs/index.ts'
import { cutText } from './markdown.ts'
import type { RunReport } from './run-report.ts'

const mostSteps = 5
const mostLines = 15
const longestLine = 300

/** By step. */
export async function logTails(db: Db, { steps }: RunReport): Promise<Map<string, string[]>> {
  const tails = new Map<string, string[]>()
  for (const { id, jobId } of steps.filter((step) => step.failed && step.jobId !== '').slice(0, mostSteps)) {
    const { lines } = await readLines(db, jobId, -mostLines, mostLines)
    const shown = lines.map(({ text = '' }) => plainLine(text))
    if (shown.some((line) => line !== '')) tails.set(id, shown)
  }
  return tails
}

/** Without colors and other signs for terminals. */
function plainLine(text: string): string {
  const plain = text
    .slice(0, 4 * longestLine)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g, '')
    .replace(/[^\P{Cc}\t]|[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '')
  return cutText(plain.toWellFormed(), longestLine)
}
