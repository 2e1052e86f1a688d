// What is computed and printed of figures; that the measurements themselves work is shown by the short form, which npm test runs.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { waitFor } from '../setup/wait-for.ts'
import { compared } from './against.ts'
import { readArguments } from './arguments.ts'
import { openRawSocket } from './live-followers/raw-socket.ts'
import { checked, isMet, measurement } from './measurement.ts'
import { measurements } from './measurements/index.ts'
import { readStat, treeOf } from './processes.ts'
import { comparison, number, rowsOf, table } from './report.ts'
import { median, percentile } from './statistics.ts'

const chain = measurement({
  name: 'chain',
  what: 'A chain.',
  figures: {
    step: { what: 'per step', unit: 'ms', better: 'less', aim: { ratio: 2.5 } },
    rate: { what: 'rate', unit: 'steps/s', better: 'more', aim: { value: 100 }, aimOnDatabase: { value: 50 } },
  },
  run: async () => ({ step: { value: 12, floor: 2 }, rate: { value: 80 } }),
})
const readings = { step: { value: 12, floor: 2 }, rate: { value: 80 } }

test('percentiles are samples, a median lies between the middle two', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n)
  expect([0.5, 0.95, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([50, 95, 99, 100])
  expect(percentile([7], 0.99)).toBe(7)
  expect(percentile([], 0.5)).toBeNaN()
  expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5])
  expect(median([])).toBeNaN()
})

test('an aim is of the figure, or of its ratio to the floor, or of both', () => {
  expect(isMet(undefined, 'less', { value: 1 })).toBeUndefined()
  expect(isMet({ value: 3 }, 'less', { value: 3 })).toBe(true)
  expect(isMet({ value: 3 }, 'more', { value: 2.9 })).toBe(false)
  expect(isMet({ ratio: 2.5 }, 'less', { value: 5, floor: 2 })).toBe(true)
  expect(isMet({ ratio: 0.85 }, 'more', { value: 80, floor: 100 })).toBe(false)
  expect(isMet({ value: 10, ratio: 2 }, 'less', { value: 9, floor: 4 })).toBe(false)
  // Without a floor there is no ratio that could be good enough.
  expect(isMet({ ratio: 2 }, 'less', { value: 0 })).toBe(false)
})

test('the table shows each figure beside its floor and its aim', () => {
  const lines = table(rowsOf(chain, readings, false)).split('\n')
  expect(lines.map((line) => line.split(/\s{2,}/))).toEqual([
    ['', 'figure', 'value', 'floor', 'ratio', 'aim'],
    ['chain', 'per step', '12.0 ms', '2.00 ms', '6.00 ×', '≤ 2.5 ×', 'missed'],
    ['', 'rate', '80.0 steps/s', '≥ 100 steps/s', 'missed'],
  ])
  expect(rowsOf(chain, readings, true).at(-1)).toMatchObject({ aim: { value: 50 }, met: true })
  expect([0, 0.0123, 1.234, 12.34, 123.4, 12345].map(number)).toEqual(['0', '0.012', '1.23', '12.3', '123', '12345'])
})

test('a measurement that gives no number is broken', () => {
  expect(checked(chain, readings)).toBe(readings)
  const withRate = (rate: { value: number; floor?: number }) => () => checked(chain, { ...readings, rate })
  expect(withRate({ value: Number.NaN })).toThrow('chain gave no number for "rate": NaN.')
  expect(withRate({ value: 1, floor: 0 })).toThrow('chain gave no floor for "rate": 0.')
  expect(() => checked(chain, {})).toThrow('chain gave no number for "step"')
})

test('two commits are compared by the medians of their rounds', () => {
  const round = (step: number, floor: number) => ({ step: { value: step, floor }, rate: { value: 100 / step } })
  const rows = compared(chain, [round(10, 2), round(12, 2), round(30, 6)], [round(5, 2), round(6, 3), round(7, 4)])
  expect(rows[0]).toMatchObject({
    measurement: 'chain',
    figure: 'per step',
    before: 12,
    after: 6,
    change: 0.5,
    floor: 2.5,
  })
  expect(
    comparison(rows, ['1234567', 'here'])
      .split('\n')[1]
      ?.split(/\s{2,}/),
  ).toEqual(['chain', 'per step', '12.0 ms', '6.00 ms', '0.500 ×', '2.50 ms'])
})

test('words that mean nothing are refused', () => {
  const read = (...words: string[]) => readArguments(words, ['chain', 'fan'])
  expect(read('fan', '--short', '--against', 'HEAD~1')).toMatchObject({
    names: ['fan'],
    short: true,
    against: 'HEAD~1',
  })
  expect(read()).toMatchObject({ names: [], rounds: 3, agents: 1000, sockets: 2000 })
  expect(read('--short')).toMatchObject({ agents: 50, sockets: 100 })
  expect(() => read('fann')).toThrow('There is no measurement fann. There are: chain, fan.')
  expect(() => read('--rounds', '0')).toThrow('--rounds must be a whole number from 1 to 100, not "0".')
  expect(() => read('--fast')).toThrow('--fast')
})

test('the processor time of a process is that of all it has started', () => {
  const stat = (pid: number, name: string, parent: number, ticks: string) =>
    readStat(
      `${pid} (${name}) S ${parent} 1 1 0 -1 4194304 100 0 0 0 ${ticks} 20 0 1 0 100 1000 10 18446744073709551615`,
    )
  const all = [
    stat(10, 'node) S 1', 1, '5 6 7 8'),
    stat(11, 'sh', 10, '1 0 0 0'),
    stat(12, 'cat', 11, '0 2 0 0'),
    stat(13, 'sh', 1, '9 9 9 9'),
  ]
  expect(treeOf(10, all).map(({ pid, ticks }) => [pid, ticks])).toEqual([
    [10, 26],
    [11, 1],
    [12, 2],
  ])
})

test('measurements have names of their own', () => {
  const names = measurements.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

test('the least of a WebSocket client hears all texts whole, and answers pings', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  try {
    const heard: string[] = []
    const opened = once(server, 'connection') as Promise<[WebSocket]>
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const client = await openRawSocket(url, {}, '127.0.1.1', (text) => heard.push(text))
    const [peer] = await opened
    const texts = [0, 125, 126, 65_535, 65_536, 1].map((size) => 'x'.repeat(size))
    for (const text of texts) peer.send(text)
    await waitFor(() => heard.length === texts.length, { what: 'all texts came' })
    expect(heard).toEqual(texts)
    const pong = once(peer, 'pong')
    peer.ping('there?')
    expect(String((await pong)[0])).toBe('there?')
    const said = once(peer, 'message')
    client.send('y'.repeat(200))
    expect(String((await said)[0])).toBe('y'.repeat(200))
  } finally {
    for (const client of server.clients) client.terminate()
    server.close()
  }
})
