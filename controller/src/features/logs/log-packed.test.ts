// Log messages that come packed: the same bytes, lines and masks as otherwise, stored as they came where that may be.
import { randomBytes } from 'node:crypto'
import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib'
import { LogsRequestSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jobLog } from '../runs/index.ts'
import type { LogTables } from './log-tables.ts'
import { readLines } from './read-lines.ts'
import { readBytes } from './read-log.ts'
import { LogBench } from './test/log-bench.ts'

let bench: LogBench
beforeEach(async () => {
  bench = await LogBench.open()
})
afterEach(() => bench[Symbol.asyncDispose]())

const rowsOf = (id: string) =>
  bench.db
    .kysely<LogTables>()
    .selectFrom('log_chunk')
    .selectAll()
    .where('job_id', '=', id)
    .orderBy('byte_offset')
    .execute()

const buildOutput = (lines: number) =>
  Buffer.from(Array.from({ length: lines }, (_, i) => `cc -O2 -c src/part${i}.c -o out/part${i}.o\n`).join(''))

test('a stream says first that it takes them', () => {
  expect(bench.sender().takesPacked).toBe(true)
})

test('packed and plain, in any pieces, with overlaps, repeats, gaps and new streams: exactly the bytes and lines', async () => {
  let job = 0
  const part = fc.constantFrom(
    'a',
    'ä',
    '\n',
    '\r\n',
    'x'.repeat(3000),
    'a line of text\n'.repeat(900),
    '\n'.repeat(5000),
  )
  const moves = fc.array(
    fc.record({
      back: fc.nat(20_000),
      size: fc.integer({ min: 1, max: 250_000 }),
      skip: fc.boolean(),
      isPacked: fc.boolean(),
      isNew: fc.nat(5),
    }),
    { minLength: 1, maxLength: 12 },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 60 }), moves, async (parts, steps) => {
      const id = `job-${job++}`
      await bench.addJob(id)
      const whole = Buffer.from(parts.join(''))
      let sender = bench.sender()
      let sent = 0
      const send = async (from: number, to: number, isPacked: boolean) => {
        const data = Buffer.from(whole.subarray(from, to))
        if (isPacked) await sender.sendPacked(id, from, data)
        else await sender.send(id, from, data)
        sent = Math.max(sent, to)
      }
      for (const { back, size, skip, isPacked, isNew } of steps) {
        // Nothing of a gap may be stored.
        if (skip) await sender.sendPacked(id, sent + 1, Buffer.from('never'))
        const from = Math.max(0, sent - back)
        const to = Math.min(whole.length, from + (isPacked ? size : Math.min(size, 60_000)))
        if (to > from) await send(from, to, isPacked)
        if (isNew > 0 || sent === 0) continue
        await sender.answer((a) => Number(a.stored) === sent)
        sender.stream.onClose()
        sender = bench.sender()
      }
      while (sent < whole.length) await send(sent, Math.min(whole.length, sent + 240_000), true)
      await sender.finish(id, whole)
      await sender.answer((a) => a.complete === true)
      expect((await readBytes(bench.db, id, 0, whole.length + 10)).equals(whole)).toBe(true)
      const middle = Math.floor(whole.length / 2)
      expect((await readBytes(bench.db, id, middle, 37)).equals(whole.subarray(middle, middle + 37))).toBe(true)
      const lines = whole.toString().split('\n')
      if (lines.at(-1) === '') lines.pop()
      const read = await readLines(bench.db, id, 1, 2000)
      expect(read.totalLines).toBe(lines.length)
      const texts = lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
      expect(read.lines.map(({ text }) => text)).toEqual(texts.slice(0, read.lines.length))
    }),
    { numRuns: 60 },
  )
})

test('what came packed is stored as it came, with the times of its lines', async () => {
  await bench.addJob('job')
  const sender = bench.sender()
  const data = buildOutput(5000)
  const packed = zstdCompressSync(data)
  await sender.sendPacked('job', 0, data, { packed })
  await sender.sendPacked('job', data.length, data, { packed })
  await sender.finish('job', Buffer.concat([data, data]))
  await sender.answer((a) => a.complete === true)
  const rows = await rowsOf('job')
  expect(rows.map((row) => [Number(row.byte_offset), row.size, row.first_line, row.line_count])).toEqual([
    [0, data.length, 0, 5000],
    [data.length, data.length, 5000, 5000],
  ])
  for (const row of rows) expect(Buffer.from(row.data).equals(packed)).toBe(true)
  const { lines } = await readLines(bench.db, 'job', 9999, 2)
  const seconds = 1_700_000_000 + Math.floor(data.length / 1000)
  expect(lines.map(({ at }) => Number(at?.seconds))).toEqual([seconds, seconds])
})

test('more lines than a row may have are cut into rows', async () => {
  await bench.addJob('job')
  const sender = bench.sender()
  const data = Buffer.alloc(256 * 1024, '\n')
  await sender.sendPacked('job', 0, data)
  await sender.finish('job', data)
  await sender.answer((a) => a.complete === true)
  const rows = await rowsOf('job')
  expect(Math.max(...rows.map((row) => row.line_count))).toBeLessThanOrEqual(8000)
  expect(rows.reduce((sum, row) => sum + row.line_count, 0)).toBe(data.length)
})

describe('masking again', () => {
  const secret = 's3cr3t-value'
  const stars = '*'.repeat(secret.length)

  test.each(['packed', 'plain'])('in one piece, and over two of which the second is %s', async (kind) => {
    await bench.addJob('job')
    const sender = bench.sender({ secrets: [secret] })
    const output = buildOutput(2000).toString()
    const pieces = [`${output}${secret}\n${output}`, `${output}s3cr`, `3t-value\n${kind === 'packed' ? output : ''}`]
    let at = 0
    for (const [i, piece] of pieces.entries()) {
      if (i < 2 || kind === 'packed') await sender.sendPacked('job', at, Buffer.from(piece))
      else await sender.send('job', at, Buffer.from(piece))
      at += piece.length
    }
    const whole = pieces.join('')
    await sender.finish('job', Buffer.from(whole))
    await sender.answer((a) => a.complete === true)
    expect((await readBytes(bench.db, 'job', 0, at)).toString()).toBe(whole.replaceAll(secret, stars))
  })

  test('over two of which the first is stored already', async () => {
    await bench.addJob('job')
    const sender = bench.sender({ secrets: [secret] })
    const first = Buffer.from(`${buildOutput(3000)}s3cr`)
    const second = Buffer.from(`3t-value\n${buildOutput(3000)}`)
    await sender.sendPacked('job', 0, first)
    await sender.answer((a) => Number(a.stored) === first.length)
    await sender.sendPacked('job', first.length, second)
    await sender.finish('job', Buffer.concat([first, second]))
    await sender.answer((a) => a.complete === true)
    const whole = Buffer.concat([first, second]).toString()
    expect((await readBytes(bench.db, 'job', 0, whole.length)).toString()).toBe(whole.replaceAll(secret, stars))
  })
})

describe('an agent that sends what is none is refused, and nothing of it is stored', () => {
  const data = buildOutput(5000)
  const packed = zstdCompressSync(data)

  const cases = {
    'not zstd': { packed: randomBytes(1000), unpackedSize: 1000 },
    'less than it says': { packed, unpackedSize: data.length + 1 },
    'more than it says': { packed, unpackedSize: data.length - 1 },
    'a part of a frame': { packed: packed.subarray(0, -10), unpackedSize: data.length },
    'much more than it says': { packed: zstdCompressSync(Buffer.alloc(50_000_000)), unpackedSize: 1000 },
    'more than is allowed': { packed: zstdCompressSync(Buffer.alloc(256 * 1024 + 1)), unpackedSize: 256 * 1024 + 1 },
    'more bytes than a message may have': { packed: randomBytes(64 * 1024 + 1), unpackedSize: 1000 },
  }

  test.each(Object.entries(cases))('%s', async (_, what) => {
    await bench.addJob('job')
    const sender = bench.sender()
    await expect(sender.sendPacked('job', 0, data, what)).rejects.toMatchObject({ code: 'invalid_argument' })
    await sender.send('job', 0, Buffer.from('what is right\n'))
    await sender.answer((a) => Number(a.stored) === 14)
    expect((await jobLog(bench.db, 'job'))?.size).toBe(14)
  })

  test('more times than are allowed', async () => {
    await bench.addJob('job')
    const { stream } = bench.sender()
    const lineMs = new Array<number>(8001).fill(1)
    const message = create(LogsRequestSchema, {
      job: { jobId: 'job', epoch: 1 },
      data: packed,
      unpackedSize: data.length,
      lineMs,
    })
    await expect(stream.onMessage(message)).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  test('a frame that needs a large window', async () => {
    await bench.addJob('job')
    const sender = bench.sender()
    const params = { [constants.ZSTD_c_windowLog]: 24 }
    // Written bit by bit: of a frame whose size is known beforehand the window is no larger than that.
    const stream = createZstdCompress({ params })
    stream.write(data.subarray(0, 1000))
    await new Promise<void>((resolve) => stream.flush(() => resolve()))
    stream.end(data.subarray(1000))
    const large = Buffer.concat(await stream.toArray())
    await expect(sender.sendPacked('job', 0, data, { packed: large })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })
})
