// What a run has come to, as statuses and comments tell it: kept with what is to be told, so that nobody has to read the run for it.
import type { RunState, StepState } from '@ansflow/engine/state'
import { reasonText } from '@ansflow/proto/reasons'
import { StepStatus, statusWord } from '@ansflow/proto/status'
import { cutText } from './markdown.ts'

export interface RunReport {
  number: number
  /** "running", "succeeded" … */
  status: string
  /** That it took; null: it goes on. */
  seconds: number | null
  /** In the order of the file; of many those that failed, and the first others. */
  steps: ReportedStep[]
  /** Steps that are not among them. */
  more: number
  /** What steps have told people of lines and files. */
  annotations: number
  /** They have reported tests or coverage. Absent: of before that was known. */
  hasTests?: boolean
}

export interface ReportedStep {
  id: string
  name: string
  status: string
  seconds: number | null
  /** It failed, and was not allowed to. */
  failed: boolean
  /** Of one that failed; empty: nothing is said. */
  reason: string
  /** Its last attempt, which has the log; empty: it had none. */
  jobId: string
}

const mostSteps = 40
const mostFailed = 20

export function beginning({ meta }: RunState): RunReport {
  return { number: meta.number, status: 'running', seconds: null, steps: [], more: 0, annotations: 0 }
}

/** Of a run that has ended; `now`: when. */
export function ending(run: RunState, now: Date): RunReport {
  const failed: StepState[] = []
  const others: StepState[] = []
  let [count, annotations, hasTests] = [0, 0, false]
  for (const step of run.steps.values()) {
    annotations += annotationsOf(step)
    hasTests ||= step.attempts.some(({ report }) => report?.tests !== undefined || report?.coverage === true)
    // Of a step that was copied its copies tell what became of it, where they failed.
    if (step.group === null) count++
    if (isFailed(step) && !step.copies && failed.length < mostFailed) failed.push(step)
    else if (step.group === null && others.length < mostSteps) others.push(step)
  }
  const shown = [...failed, ...others.slice(0, mostSteps - failed.length)].sort((a, b) => a.index - b.index)
  const isShown = new Set(shown.map((step) => step.group ?? step))
  return {
    number: run.meta.number,
    status: statusWord(run.status),
    seconds: secondsBetween(run.createdAt, now),
    steps: shown.map(reported),
    more: count - isShown.size,
    annotations,
    ...(hasTests && { hasTests }),
  }
}

export function isFailed({ status }: StepState): boolean {
  return status === StepStatus.FAILED || status === StepStatus.LOST
}

export function secondsBetween(from: Date | null, to: Date | null): number | null {
  return from && to ? Math.max(0, Math.round((to.getTime() - from.getTime()) / 1000)) : null
}

function reported(step: StepState): ReportedStep {
  const failed = isFailed(step)
  return {
    id: step.id,
    name: cutText(step.name, 80),
    status: statusWord(step.status),
    seconds: secondsBetween(step.startedAt, step.finishedAt),
    failed: failed && !step.failureAllowed,
    reason: failed && step.reason ? cutText(reasonText(step.reason), 300) : '',
    jobId: step.attempts.at(-1)?.id ?? '',
  }
}

function annotationsOf({ attempts }: StepState): number {
  const { errors = 0, warnings = 0, notices = 0 } = attempts.at(-1)?.report ?? {}
  return errors + warnings + notices
}
