// What a run has come to, in the Markdown of a check.
import { block, code, duration, link, table } from './markdown.ts'
import type { ReportedStep, RunReport } from './run-report.ts'

interface Around {
  /** Last lines of logs, by step. */
  tails: ReadonlyMap<string, readonly string[]>
  /** Annotations that stand at lines. */
  shown: number
  /** The address of its page. */
  run: string
}

export function checkSummary(report: RunReport, { tails, shown, run }: Around): string {
  const at = ({ id }: ReportedStep) => `${run}?step=${encodeURIComponent(id)}`
  const rows = report.steps.map((step) => [
    link(code(step.name), at(step)),
    step.failed ? `**${step.status}**` : step.status,
    step.seconds === null ? '' : duration(step.seconds),
  ])
  const parts = [table(['Step', 'State', 'Time'], rows)]
  if (report.more > 0) parts.push(`${report.more} more steps are on ${link('the page of the run', run)}.`)
  for (const step of report.steps.filter(({ reason }) => reason !== '')) {
    const tail = tails.get(step.id)
    parts.push(`#### ${code(step.name)}\n\n${code(step.reason, 300)}`)
    if (tail) parts.push(block(tail))
  }
  if (report.annotations > shown) {
    parts.push(
      `${shown} of ${report.annotations} remarks stand at lines; all are on ${link('the page of the run', run)}.`,
    )
  }
  return parts.join('\n\n')
}
