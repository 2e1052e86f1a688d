// Tasks for tests that do not end by themselves.
import { task } from '../worker-task.ts'

/** Works. */
export const spin = task((_: undefined) => {
  for (;;) {}
})

/** Waits without working, as a thread does that the machine gives no time; says in `gate[1]` that it has begun, ends when `gate[0]` is 1. */
export const hold = task((gate: Int32Array<SharedArrayBuffer>) => {
  Atomics.store(gate, 1, 1)
  Atomics.notify(gate, 1)
  Atomics.wait(gate, 0, 0)
  return 'went on'
})
