import { expect, test } from 'vitest'
import { manualClock } from '../../platform/clock.ts'
import { answersFirst } from './answers-first.ts'

const never = new AbortController().signal

/** Whether work may begin; `ended` afterwards. */
function begin(first: ReturnType<typeof answersFirst>, stopping = never) {
  const begun = { at: 'waits' }
  const ended = first.turn(stopping).then(() => {
    begun.at = 'begun'
  })
  return { begun, ended }
}

test('work begins at once where answers are quick, or are few', async () => {
  const clock = manualClock()
  const first = answersFirst(clock)
  for (let n = 0; n < 100; n++) first.answered(3)
  await first.turn(never)
  const alone = answersFirst(clock)
  for (let n = 0; n < 4; n++) alone.answered(900)
  await alone.turn(never)
  expect(clock.now()).toEqual(manualClock().now())
})

test('while many send and answers take long, work waits until they do not, two seconds at most, or until all stops', async () => {
  const clock = manualClock()
  const first = answersFirst(clock)
  const storm = (tookMs: number) => {
    for (let n = 0; n < 5; n++) first.answered(tookMs)
  }
  const advance = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      clock.advance(50)
      await Promise.resolve()
      await Promise.resolve()
    }
  }
  storm(120)
  const calm = begin(first)
  await advance(400)
  expect(calm.begun.at).toBe('waits')
  await advance(150)
  await calm.ended

  storm(120)
  const patient = begin(first)
  for (let n = 0; n < 39; n++) {
    storm(120)
    await advance(50)
  }
  expect(patient.begun.at).toBe('waits')
  storm(120)
  await advance(50)
  await patient.ended

  storm(120)
  const stopping = new AbortController()
  const stopped = begin(first, stopping.signal)
  stopping.abort()
  await advance(50)
  await stopped.ended
})
