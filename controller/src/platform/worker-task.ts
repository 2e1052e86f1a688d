// The worker's side of workers.ts: what a task answers, or why it refuses, in a form that crosses threads.
import { AppError, type ErrorCode, type FieldViolation } from '@ansflow/proto/errors'

/** What a thread is given; it writes its id to `thread` when it begins the task. */
export interface RunningTask {
  file: string
  name: string
  input: unknown
  thread: Int32Array<SharedArrayBuffer>
}

export type TaskAnswer<T> =
  | { value: T }
  | { refusal: { code: ErrorCode; message: string; reason: string; violations: FieldViolation[] } }

export function task<I, T>(work: (input: I) => T): (input: I) => TaskAnswer<T> {
  return (input) => {
    try {
      return { value: work(input) }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      const { code, message, reason, violations } = error
      return { refusal: { code, message, reason, violations } }
    }
  }
}
