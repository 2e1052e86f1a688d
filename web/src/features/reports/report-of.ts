// How much steps have told people, as the run's events say it.
import type { AttemptReport } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import type { RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'

/** Of the newest attempt: what those before it told is among the attempts. */
export function reportOf({ attempts }: Pick<RunStep, 'attempts'>): AttemptReport | undefined {
  return attempts.at(-1)?.report
}

/** Of all attempts of all steps: grows with each that tells something. */
export function reportTotal(steps: Iterable<RunStep>): { annotations: number; leftOut: number; summaries: number } {
  const total = { annotations: 0, leftOut: 0, summaries: 0 }
  for (const { attempts } of steps) {
    for (const { report } of attempts) {
      if (!report) continue
      total.annotations += report.errors + report.warnings + report.notices
      total.leftOut += report.leftOut
      total.summaries += Number(report.summary)
    }
  }
  return total
}
