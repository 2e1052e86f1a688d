import { expect, test } from 'vitest'
import { runPipe, type StreamPipe } from './stream-pipe.ts'

interface Answer {
  job: number
  stored: number
}

/** A pipe to a receiver that reads only once it is let. */
function slowPipe(keyOf: (answer: Answer) => string | undefined) {
  const received: Answer[] = []
  const letRead = Promise.withResolvers<void>()
  const over = new AbortController()
  let pipe: StreamPipe<Answer> | undefined
  const stream = {
    messages: (async function* () {
      await new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()))
      yield* []
    })(),
    async send(answer: Answer) {
      await letRead.promise
      received.push(answer)
    },
  }
  const ended = runPipe<never, Answer>(
    stream,
    new AbortController().signal,
    (opened) => {
      pipe = opened
      return { onMessage: async () => undefined, onClose: () => undefined }
    },
    keyOf,
  )
  if (!pipe) throw new Error('not opened')
  return { pipe, received, ended, letRead: letRead.resolve, close: () => over.abort() }
}

test('the newest answer of each job goes, in the order of the first, however many wait', async () => {
  const jobs = 9000
  let looks = 0
  const { pipe, received, ended, letRead, close } = slowPipe(({ job }) => {
    looks++
    return String(job)
  })
  for (let stored = 0; stored < 3; stored++) for (let job = 0; job < jobs; job++) pipe.send({ job, stored })
  // Each is looked at once, not once for each that waits.
  expect(looks).toBe(3 * jobs)
  letRead()
  await expect.poll(() => received.length, { interval: 1 }).toBe(jobs + 1)
  close()
  await ended
  // The first had left the queue before the newer came.
  expect(received[0]).toEqual({ job: 0, stored: 0 })
  expect(received.slice(1)).toEqual([
    ...Array.from({ length: jobs - 1 }, (_, i) => ({ job: i + 1, stored: 2 })),
    { job: 0, stored: 2 },
  ])
})

test('messages without a key all go, in order, and a receiver that never reads is cut off', async () => {
  const { pipe, received, ended, letRead, close } = slowPipe(() => undefined)
  for (let stored = 0; stored < 100; stored++) pipe.send({ job: 1, stored })
  letRead()
  await expect.poll(() => received.map(({ stored }) => stored), { interval: 1 }).toEqual([...Array(100).keys()])
  close()
  await ended
  const stuck = slowPipe(() => undefined)
  for (let stored = 0; stored < 10_002; stored++) stuck.pipe.send({ job: 1, stored })
  await expect(stuck.ended).rejects.toMatchObject({ code: 'resource_exhausted' })
})
