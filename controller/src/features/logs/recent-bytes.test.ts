// Those who follow a log get what has just been stored from memory, and nothing else than what the database has.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../platform/clock.ts'
import { createLogWatch, type LogWatch } from './log-watch.ts'
import { createLogWriter } from './log-writer.ts'
import { createRecentBytes } from './recent-bytes.ts'
import { LogBench } from './test/log-bench.ts'
import { Sender } from './test/sender.ts'

let bench: LogBench
let watch: LogWatch
/** Readings of the rows of logs. */
let readings = 0

beforeEach(async () => {
  readings = 0
  bench = await LogBench.open((sql, run) => {
    if (/^select .*"data".* from "log_chunk"/.test(sql)) readings++
    return run()
  })
  watch = createLogWatch({ ...bench, clock: systemClock, lostAmong: async () => new Set() })
  await bench.addJob('job')
})
afterEach(async () => {
  watch.stop()
  await bench[Symbol.asyncDispose]()
})

/** Follows to the end; `seen` grows as it comes. */
function follow(offset: number) {
  const followed = { seen: '', ended: Promise.resolve() }
  let wake: () => void = () => undefined
  followed.ended = (async () => {
    for await (const { offset: at, data } of watch.follow('job', offset, new AbortController().signal)) {
      expect(at).toBe(offset + followed.seen.length)
      followed.seen += data.toString()
      wake()
    }
  })()
  const has = async (size: number) => {
    while (followed.seen.length < size) await new Promise<void>((resolve) => (wake = resolve))
  }
  return Object.assign(followed, { has })
}

test('line by line nothing is read again, and the last ones come with the end', async () => {
  const sender = bench.sender()
  const followed = follow(0)
  let whole = ''
  const say = async (line: string) => {
    await sender.send('job', whole.length, Buffer.from(line))
    whole += line
    await followed.has(whole.length)
  }
  await say('first\n')
  readings = 0
  for (let i = 0; i < 50; i++) await say(`line ${i} ${'x'.repeat(i * 40)}\n`)
  expect(readings).toBe(0)
  await sender.finish('job', Buffer.from(whole))
  await followed.ended
  expect(followed.seen).toBe(whole)
})

test('whoever begins anywhere, is slow, or follows what is loud, gets every byte once', async () => {
  const sender = bench.sender()
  const sizes = [3, 400, 16_000, 60_000, 5, 9000, 9000, 60_000, 1, 1, 20_000]
  const whole = Buffer.from(sizes.map((size, i) => String.fromCharCode(97 + i).repeat(size)).join(''))
  const followers = [follow(0), follow(2)]
  let at = 0
  for (const size of sizes) {
    await sender.send('job', at, Buffer.from(whole.subarray(at, at + size)))
    at += size
    await sender.answer((a) => Number(a.stored) === at)
    followers.push(follow(Math.max(0, at - 17)), follow(at))
  }
  await sender.finish('job', whole)
  for (const one of followers) await one.ended
  const starts = [0, 2]
  let end = 0
  for (const size of sizes) {
    end += size
    starts.push(Math.max(0, end - 17), end)
  }
  for (const [i, { seen }] of followers.entries()) expect(seen).toBe(whole.toString().slice(starts[i]))
})

test('what is masked once its end has come is shown to nobody after that, whichever controller has stored it', async () => {
  const secrets = ['s3cr3t-value']
  const pieces = ['one s3cr', '3t-value two\n', 'three s3cr', '3t-value\n']
  const whole = pieces.join('')
  const masked = whole.replaceAll('s3cr3t-value', '************')
  const ends = pieces.map((_, i) => pieces.slice(0, i + 1).join('').length)
  async function say(sender: Sender, i: number) {
    await sender.send('job', ends[i]! - pieces[i]!.length, Buffer.from(pieces[i]!))
    await sender.answer((a) => Number(a.stored) === ends[i])
  }
  const here = bench.sender({ secrets })
  await say(here, 0)
  await say(here, 1)
  const first = follow(0)
  await first.has(ends[1]!)
  expect(first.seen).toBe(masked.slice(0, ends[1]))
  await say(here, 2)
  const recent = createRecentBytes(bench.bus)
  const writer = createLogWriter({ ...bench, recent, clock: systemClock })
  const there = new Sender({ ...bench, writer }, { secrets })
  await say(there, 3)
  // Has been told.
  await first.has(whole.length)
  const second = follow(ends[1]!)
  await second.has(whole.length - ends[1]!)
  expect(second.seen).toBe(masked.slice(ends[1]))
  await there.finish('job', Buffer.from(whole))
  await Promise.all([first.ended, second.ended])
  await writer.stop()
})
