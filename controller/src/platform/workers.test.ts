import { expect, it } from 'vitest'
import { createLog } from './log.ts'
import type { TaskFile } from './workers.ts'
import { createWorkers } from './workers.ts'

const held: TaskFile<typeof import('./test/held-tasks.ts')> = {
  url: new URL('./test/held-tasks.ts', import.meta.url).href,
}
const gate = () => new Int32Array(new SharedArrayBuffer(8))
const tooMuchWork = { code: 'resource_exhausted', reason: 'too_much_work' }

it('a task that works too long is refused; one that the machine keeps waiting as long is not', async () => {
  const workers = createWorkers(createLog('silent'), { processorMs: 200, wallMs: 600_000 })
  const open = gate()
  const waiting = workers.run(held, 'hold', open, 'ada')
  await Atomics.waitAsync(open, 1, 0).value
  await expect(workers.run(held, 'spin', undefined, 'eve')).rejects.toMatchObject(tooMuchWork)
  Atomics.store(open, 0, 1)
  Atomics.notify(open, 0)
  expect(await waiting).toBe('went on')
  await workers.stop()
})

it('a task that never ends without working is refused at last', async () => {
  const workers = createWorkers(createLog('silent'), { processorMs: 600_000, wallMs: 200 })
  await expect(workers.run(held, 'hold', gate(), 'eve')).rejects.toMatchObject(tooMuchWork)
  await workers.stop()
})
