// The log path from an agent's messages to bytes, lines and hits, on a real SQLite database.
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { waitFor } from '../../../test/wait-for.ts'
import { systemClock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { createLog } from '../../platform/log.ts'
import { createWorkers } from '../../platform/workers.ts'
import { jobLog } from '../runs/index.ts'
import type { LogTables } from './log-tables.ts'
import { createLogWatch } from './log-watch.ts'
import { readLines } from './read-lines.ts'
import { readBytes } from './read-log.ts'
import { searchLog } from './search-log.ts'
import { LogBench } from './test/log-bench.ts'
import type { SenderOptions } from './test/sender.ts'

const workers = createWorkers(createLog('silent'))
afterAll(() => workers.stop())
let bench: LogBench
let db: Db

beforeEach(async () => {
  bench = await LogBench.open()
  db = bench.db
})
afterEach(() => bench[Symbol.asyncDispose]())

const addJob = (id: string, agentId?: string, epoch?: number) => bench.addJob(id, agentId, epoch)
const newSender = (options?: SenderOptions) => bench.sender(options)

function expectedLines(whole: Buffer): string[] {
  const lines = whole.toString('utf8').split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
}

describe('bytes', () => {
  test('an agent hears that a log is complete when its run knows, also when it asks again', async () => {
    await addJob('job')
    const told: string[] = []
    let answer: ((error?: Error) => void) | undefined
    const sender = newSender({
      whole({ runId, jobId, size }) {
        told.push(`${runId} ${jobId} ${size}`)
        return new Promise<void>((resolve, reject) => {
          answer = (error) => (error ? reject(error) : resolve())
        })
      },
    })
    const whole = Buffer.from('one\ntwo\n')
    await sender.send('job', 0, whole)
    await sender.finish('job', whole)
    await waitFor(() => told.length === 1)
    await sender.finish('job', whole)
    answer?.(new Error('the database is away'))
    await waitFor(() => told.length === 2)
    expect(sender.answers.filter(({ complete }) => complete)).toEqual([])
    answer?.()
    await sender.answer(({ complete }) => complete === true)
    // Another controller, or this one after a restart, cannot know whether it was.
    const again = newSender({ whole: async ({ jobId, size }) => void told.push(`again ${jobId} ${size}`) })
    await again.finish('job', whole)
    await again.answer(({ complete }) => complete === true)
    expect(told).toEqual(['run-1 job 8', 'run-1 job 8', 'again job 8'])
  })

  test('a stream keeps nothing of a log that is complete, and answers for it from its rows', async () => {
    await addJob('job')
    const sender = newSender()
    const whole = Buffer.from('one\ntwo\n')
    await sender.send('job', 0, whole)
    await sender.finish('job', whole)
    await sender.answer(({ complete }) => complete === true)
    sender.answers.length = 0
    await sender.finish('job', whole)
    expect(await sender.answer(() => true)).toMatchObject({ stored: 8n, complete: true })
    sender.answers.length = 0
    await db.orm.em.getConnection().execute('delete from job')
    await sender.finish('job', whole)
    expect(await sender.answer(() => true)).toMatchObject({ stale: true })
  })

  test('any chunking, overlap, repeat and gap ends in exactly the bytes and lines', async () => {
    let job = 0
    const text = fc.array(fc.constantFrom('a', 'ä', '\n', '\n\n', 'a longer stretch of text ', '\r\n', '0123456789'), {
      maxLength: 400,
    })
    const moves = fc.array(
      fc.record({ back: fc.nat(50), size: fc.integer({ min: 1, max: 400 }), skip: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 40,
      },
    )
    await fc.assert(
      fc.asyncProperty(text, moves, fc.boolean(), async (parts, steps, reconnect) => {
        const id = `job-${job++}`
        await addJob(id)
        const whole = Buffer.from(parts.join(''))
        let sender = newSender()
        let sent = 0
        for (const [i, step] of steps.entries()) {
          const from = Math.max(0, sent - step.back)
          const to = Math.min(whole.length, from + step.size)
          // A gap: nothing of it may be stored.
          if (step.skip) await sender.send(id, Math.max(sent, to) + 1, Buffer.from('never'))
          if (to <= from) continue
          await sender.send(id, from, Buffer.from(whole.subarray(from, to)))
          sent = Math.max(sent, to)
          if (reconnect && i % 7 === 6) {
            await sender.answer((a) => Number(a.stored) === sent)
            sender.stream.onClose()
            sender = newSender()
          }
        }
        if (sent < whole.length) await sender.send(id, sent, Buffer.from(whole.subarray(sent)))
        await sender.finish(id, whole)
        await sender.answer((a) => a.complete === true)
        expect(await readBytes(db, id, 0, whole.length + 10)).toEqual(whole)
        const read = await readLines(db, id, 1, 2000)
        expect(read.lines.map((line) => line.text)).toEqual(expectedLines(whole))
        expect(read.totalBytes).toBe(whole.length)
        const middle = Math.floor(whole.length / 2)
        expect(await readBytes(db, id, middle, 37)).toEqual(whole.subarray(middle, middle + 37))
      }),
      { numRuns: 60 },
    )
  })

  test('small pieces are joined to few rows, large ones cut', async () => {
    await addJob('job')
    const sender = newSender()
    let whole = Buffer.alloc(0)
    for (let i = 0; i < 400; i++) {
      const piece = Buffer.from(`line ${i}\n`)
      await sender.send('job', whole.length, piece)
      whole = Buffer.concat([whole, piece])
      await sender.answer((a) => Number(a.stored) === whole.length)
    }
    const big = Buffer.from('x'.repeat(64 * 1024))
    await sender.send('job', whole.length, big)
    whole = Buffer.concat([whole, big])
    await sender.finish('job', whole)
    await sender.answer((a) => a.complete === true)
    const rows = await db.kysely<LogTables>().selectFrom('log_chunk').select('size').execute()
    expect(rows.length).toBe(2)
    expect((await readBytes(db, 'job', 0, whole.length)).equals(whole)).toBe(true)
  })

  test('two streams of one agent cannot both write the same bytes', async () => {
    await addJob('job')
    const first = newSender()
    const second = newSender()
    await first.send('job', 0, Buffer.from('abc\n'))
    await first.answer((a) => a.stored === 4n)
    await second.send('job', 4, Buffer.from('def\n'))
    await second.answer((a) => a.stored === 8n)
    await first.send('job', 4, Buffer.from('XXXXXX\n'))
    expect((await first.answer((a) => a.stored === 8n)).stale).toBeFalsy()
    await first.send('job', 8, Buffer.from('ghi\n'))
    await first.answer((a) => a.stored === 12n)
    expect((await readBytes(db, 'job', 0, 100)).toString()).toBe('abc\ndef\nghi\n')
  })

  test('stale epochs, foreign agents and unknown jobs are refused', async () => {
    await addJob('job', 'agent-1', 3)
    const sender = newSender()
    await sender.send('job', 0, Buffer.from('x'), 2)
    await sender.send('unknown', 0, Buffer.from('x'), 3)
    const other = newSender({ agentId: 'agent-2' })
    await other.send('job', 0, Buffer.from('x'), 3)
    expect([...sender.answers, ...other.answers].map((a) => a.stale)).toEqual([true, true, true])
    expect((await jobLog(db, 'job'))?.size).toBe(0)
  })

  test('the end is checked; a difference is written into the log', async () => {
    await addJob('job')
    const sender = newSender()
    await sender.send('job', 0, Buffer.from('hello\n'))
    await sender.finish('job', Buffer.from('hello\n'), createHash('sha256').update('other').digest())
    await sender.answer((a) => a.complete === true)
    expect((await readBytes(db, 'job', 0, 1000)).toString()).toContain('differs from what the agent')
  })

  test('a stream that did not see the beginning checks the stored rows', async () => {
    await addJob('job')
    const whole = Buffer.from('one\ntwo\n'.repeat(20_000))
    const first = newSender()
    for (let at = 0; at < 128 * 1024; at += 64 * 1024) {
      await first.send('job', at, Buffer.from(whole.subarray(at, at + 64 * 1024)))
    }
    await first.answer((a) => Number(a.stored) === 128 * 1024)
    const second = newSender()
    await second.send('job', 128 * 1024, Buffer.from(whole.subarray(128 * 1024)))
    await second.finish('job', whole)
    await second.answer((a) => a.complete === true)
    expect((await readBytes(db, 'job', 0, whole.length + 100)).equals(whole)).toBe(true)
    // Again, as after a lost answer: answered the same.
    const third = newSender()
    await third.finish('job', whole)
    expect(third.answers).toMatchObject([{ complete: true, stored: BigInt(whole.length) }])
  })

  test('beyond the hard limit the log ends with a line that says so', async () => {
    await addJob('job')
    const sender = newSender({ hardLimit: 10 })
    await sender.send('job', 0, Buffer.from('0123456789abc'))
    await sender.answer((a) => a.complete === true)
    expect((await readBytes(db, 'job', 0, 1000)).toString()).toMatch(/^0123456789\n\[ansflow\] The log ends here/)
  })
})

describe('masking again', () => {
  test('overwrites known values, also across pieces that are stored already, and keeps every offset', async () => {
    await addJob('job')
    const sender = newSender({ secrets: ['s3cr3t-value', 'two\nlines'] })
    const pieces = ['a s3cr3t-value b\nhalf s3cr', '3t-value end\ntwo', '\nlines\n']
    let whole = ''
    for (const piece of pieces) {
      await sender.send('job', whole.length, Buffer.from(piece))
      whole += piece
      await sender.answer((a) => Number(a.stored) === whole.length)
    }
    await sender.finish('job', Buffer.from(whole))
    await sender.answer((a) => a.complete === true)
    const stored = (await readBytes(db, 'job', 0, 1000)).toString()
    expect(stored).toBe('a ************ b\nhalf ************ end\n***\n*****\n')
  })

  test.each([1, 2, 5, 20])(
    'a value whose end comes while its beginning is being packed is overwritten, after %i turns',
    async (turns) => {
      await addJob('job')
      const sender = newSender({ secrets: ['s3cr3t-value'] })
      // Packed beside, in another thread.
      const first = Buffer.concat([randomBytes(45_000).map((byte) => (byte === 10 ? 0 : byte)), Buffer.from('s3cr')])
      await sender.send('job', 0, Buffer.from(first))
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      const second = Buffer.from('3t-value\n')
      await sender.send('job', first.length, Buffer.from(second))
      await sender.finish('job', Buffer.concat([first, second]))
      await sender.answer((a) => a.complete === true)
      expect((await readBytes(db, 'job', first.length - 4, 100)).toString()).toBe('************\n')
    },
  )

  test('a value that begins in a full row is overwritten there too', async () => {
    await addJob('job')
    const sender = newSender({ secrets: ['s3cr3t-value'] })
    const first = Buffer.from(`${'x'.repeat(50_000)}s3cr`)
    await sender.send('job', 0, Buffer.from(first))
    await sender.answer((a) => Number(a.stored) === first.length)
    const second = Buffer.from('3t-value\n')
    await sender.send('job', first.length, Buffer.from(second))
    await sender.finish('job', Buffer.concat([first, second]))
    await sender.answer((a) => a.complete === true)
    expect((await readBytes(db, 'job', 49_998, 100)).toString()).toBe('xx************\n')
  })
})

describe('lines', () => {
  async function store(id: string, whole: Buffer): Promise<void> {
    await addJob(id)
    const sender = newSender()
    for (let at = 0; at < whole.length; at += 64 * 1024) {
      await sender.send(id, at, Buffer.from(whole.subarray(at, at + 64 * 1024)))
    }
    await sender.finish(id, whole)
    await sender.answer((a) => a.complete === true)
  }

  test('any page of a long log, also from the end, with times', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `line number ${i + 1} ${'.'.repeat(i % 50)}`)
    await store('job', Buffer.from(`${lines.join('\n')}\nunfinished`))
    const total = 20_001
    for (const first of [1, 2, 777, 9_999, 19_990, 20_001]) {
      const read = await readLines(db, 'job', first, 13)
      expect(read.totalLines).toBe(total)
      expect(read.lines.map((l) => l.text)).toEqual([...lines, 'unfinished'].slice(first - 1, first + 12))
      expect(read.lines[0]?.number).toBe(first)
    }
    const end = await readLines(db, 'job', -3, 10)
    expect(end.lines.map((l) => l.number)).toEqual([19_999, 20_000, 20_001])
    expect(end.lines.map((l) => l.at !== undefined)).toEqual([true, true, false])
    const line = (await readLines(db, 'job', 5_000, 1)).lines[0]
    const bytes = await readBytes(db, 'job', Number(line?.offset), Number(line?.size))
    expect(bytes.toString()).toBe(`${lines[4_999]}\n`)
    expect((await readLines(db, 'job', 99_999, 10)).lines).toEqual([])
  })

  test('a very long line is cut, and its size tells', async () => {
    const long = Buffer.alloc(8_000_000, 'y')
    await store('job', Buffer.concat([Buffer.from('before\n'), long, Buffer.from('\nafter\n')]))
    const read = await readLines(db, 'job', 1, 10)
    expect(read.lines.map((l) => l.text?.length)).toEqual([6, 16 * 1024, 5])
    expect(read.lines[1]?.size).toBe(8_000_001n)
    expect(read.lines[2]?.text).toBe('after')
  })

  test('search finds every place once, in long lines too', async () => {
    const filler = 'z'.repeat(70_000)
    const whole = `Error one\nnothing\nerror two, ERROR three\n${filler}error four${filler}error five\nlast error`
    await store('job', Buffer.from(whole))
    const find = async (query: string, regex: boolean, matchCase: boolean, max = 100, firstLine = 1) => {
      const hits: string[] = []
      const size = whole.length
      const looked = { query: { query, regex, matchCase }, maxHits: max, firstLine, by: 'somebody' }
      for await (const found of searchLog({ db, workers, jobId: 'job', size, ...looked })) {
        hits.push(...found.map((hit) => `${hit.line}:${hit.start}-${hit.end}`))
      }
      return hits
    }
    const all = ['1:0-5', '3:0-5', '3:11-16', '4:70000-70005', '4:140010-140015', '5:5-10']
    expect(await find('error', false, false)).toEqual(all)
    expect(await find('err[o]r', true, false)).toEqual(all)
    expect(await find('error', false, true)).toEqual(all.filter((hit) => hit !== '1:0-5' && hit !== '3:11-16'))
    expect(await find('ERROR', true, true)).toEqual(['3:11-16'])
    expect(await find('error', false, false, 2)).toEqual(all.slice(0, 2))
    expect(await find('^last', true, true)).toEqual(['5:0-4'])
    expect(await find('(z+)+$', true, true)).toEqual([])
    expect(await find('error', false, false, 2, 3)).toEqual(all.slice(1, 3))
    expect(await find('error', false, false, 100, 5)).toEqual(['5:5-10'])
    expect(await find('error', false, false, 100, 6)).toEqual([])
  })

  test('search from a line on finds what is there, however rows and lines lie to one another', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `${i % 7 === 0 ? 'mark' : 'x'.repeat((i * 37) % 400)}`)
    const whole = `${lines.join('\n')}\n`
    await store('job', Buffer.from(whole))
    for (const firstLine of [1, 2, 8, 9, 700, 701, 1500, 2999, 3000, 3001, 9000]) {
      const found: number[] = []
      const query = { query: '^mark$', regex: true, matchCase: true }
      for await (const hits of searchLog({
        db,
        workers,
        jobId: 'job',
        size: whole.length,
        query,
        firstLine,
        maxHits: 9999,
        by: 'x',
      }))
        found.push(...hits.map(({ line }) => line!))
      expect(found).toEqual(lines.flatMap((line, i) => (line === 'mark' && i + 1 >= firstLine ? [i + 1] : [])))
    }
  })
})

describe('following', () => {
  test('gives what is there, then what comes, then the end', async () => {
    await addJob('job')
    const sender = newSender()
    await sender.send('job', 0, Buffer.from('one\n'))
    await sender.answer((a) => a.stored === 4n)
    const watch = createLogWatch({ ...bench, clock: systemClock, lostAmong: async () => new Set() })
    const pieces: string[] = []
    let wake: () => void = () => undefined
    const followed = (async () => {
      for await (const piece of watch.follow('job', 2, new AbortController().signal)) {
        pieces.push(`${piece.offset}${piece.complete ? '!' : ''}:${piece.data.toString()}`)
        wake()
      }
    })()
    await new Promise<void>((resolve) => {
      wake = resolve
    })
    await sender.send('job', 4, Buffer.from('two\n'))
    await new Promise<void>((resolve) => {
      wake = resolve
    })
    await sender.finish('job', Buffer.from('one\ntwo\n'))
    await followed
    expect(pieces).toEqual(['2:e\n', '4:two\n', '8!:'])
    watch.stop()
  })

  test('an abort ends it', async () => {
    await addJob('job')
    const watch = createLogWatch({ ...bench, clock: systemClock, lostAmong: async () => new Set() })
    const abort = new AbortController()
    const next = watch.follow('job', 0, abort.signal).next()
    abort.abort()
    expect((await next).done).toBe(true)
    watch.stop()
  })
})
