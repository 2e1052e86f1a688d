// What the threads of workers.ts run: the task of a file that is loaded when it is first needed.
import { threadId } from 'node:worker_threads'
import type { RunningTask, TaskAnswer } from './worker-task.ts'

export async function run({ file, name, input, thread }: RunningTask): Promise<TaskAnswer<unknown>> {
  const tasks: Record<string, (input: unknown) => TaskAnswer<unknown>> = await import(file)
  const perform = tasks[name]
  if (!perform) throw new Error(`${file} has no task ${name}`)
  // Loading the file is not the task's work.
  Atomics.store(thread, 0, threadId)
  Atomics.notify(thread, 0)
  return perform(input)
}
