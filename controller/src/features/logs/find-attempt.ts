// From what people name (run, step, attempt) to the job that has the log.
import { AppError, notFound } from '@ansflow/proto/errors'
import type { Db } from '../../platform/db.ts'
import type { Watch } from '../../platform/watch.ts'
import { createBell } from '../../platform/watch.ts'
import { attemptLog, type JobLog, type StepStanding, stepStanding } from '../runs/index.ts'
import { isWhole } from './log-end.ts'

export interface AttemptName {
  runId: string
  stepId: string
  /** 0 is the newest. */
  attempt: number
}

export interface AttemptLog extends JobLog {
  /** All of it is stored, or it never ran and has none. */
  whole: boolean
}

/** Throws when there is none: as for a typo, or says that it has not started or never was. */
export async function findAttempt(db: Db, name: AttemptName): Promise<AttemptLog> {
  const found = await look(db, name)
  if (typeof found === 'object') return found
  throw found === 'missing' ? notMade(name) : found === 'over' ? neverStarted(name) : notStarted(name)
}

/** Waits while it may still come. `wakes`: tells when a run has changed. Undefined: the signal came first. */
export async function awaitAttempt(
  db: Db,
  wakes: Watch,
  name: AttemptName,
  signal: AbortSignal,
): Promise<AttemptLog | undefined> {
  const bell = createBell()
  const end = wakes.listen(name.runId, bell.ring)
  signal.addEventListener('abort', bell.ring)
  try {
    while (!signal.aborted) {
      const found = await look(db, name)
      if (found !== 'ahead') return typeof found === 'object' ? found : await findAttempt(db, name)
      await bell.wait()
    }
    return undefined
  } finally {
    signal.removeEventListener('abort', bell.ring)
    end()
  }
}

async function look(db: Db, { runId, stepId, attempt }: AttemptName): Promise<AttemptLog | StepStanding> {
  const log = await attemptLog(db, { runId, stepId, attempt })
  if (!log) {
    const standing = await stepStanding(db, runId, stepId)
    // Of a step that is over, an attempt that is not there was never made.
    return standing === 'over' && attempt > 1 ? 'missing' : standing
  }
  return { ...log, whole: isWhole(log) }
}

function notMade({ stepId, attempt }: AttemptName): AppError {
  return notFound('attempt', attempt > 0 ? `${stepId} #${attempt}` : stepId)
}

export function notStarted({ stepId }: AttemptName): AppError {
  const message = `The step ${JSON.stringify(stepId)} has not started; it has no log yet.`
  return new AppError('failed_precondition', message, { reason: 'log_not_started', params: { step: stepId } })
}

function neverStarted({ stepId }: AttemptName): AppError {
  const message = `The step ${JSON.stringify(stepId)} was not started; it has no log.`
  return new AppError('failed_precondition', message, { reason: 'log_none', params: { step: stepId } })
}
