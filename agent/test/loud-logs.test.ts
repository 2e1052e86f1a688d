// Logs of many megabytes on their way to the controller: packed, cut off, sent again.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { waitFor } from './agent-process.ts'
import { type Bench, done, jobIdOf, sh, startBench } from './bench.ts'

const first = jobIdOf('loud')

/** Prints what build output is like, what zstd cannot shrink, line ends only, and a line that is said softly at the end. */
const program = `
const { createHash } = require('crypto')
const { writeSync } = require('fs')
const print = (data) => { for (let at = 0; at < data.length; ) at += writeSync(1, data, at) }
const lines = (from) => Buffer.from(Array.from({ length: 20000 }, (_, i) => 'cc -O2 -c src/part' + (from + i) + '.c ' + process.env.TOKEN + ' done\\n').join(''))
const noise = (from) => Buffer.concat(Array.from({ length: 20000 }, (_, i) => createHash('sha256').update(from + ' ' + i).digest()))
const ends = Buffer.alloc(100000, 10)
for (let round = 0; round < Number(process.argv[2]); round++) for (const part of [lines(round), noise(round), ends]) print(part)
print(Buffer.from('the end'))
`

function expectedOf(rounds: number): string {
  const hash = createHash('sha256')
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 20_000; i++) hash.update(`cc -O2 -c src/part${round + i}.c *** done\n`)
    for (let i = 0; i < 20_000; i++) hash.update(createHash('sha256').update(`${round} ${i}`).digest())
    hash.update(Buffer.alloc(100_000, 10))
  }
  return hash.update('the end').digest('hex')
}

function loud(b: Bench, rounds: number) {
  const file = join(b.data, 'program.cjs')
  writeFileSync(file, program)
  const witness = join(b.data, 'witness')
  const script = `echo start >> ${witness}; "${process.execPath}" ${file} ${rounds}`
  const job = b.controller.offer(first, sh(script), [{ name: 'TOKEN', value: 'hush-hush-hush', env: true }])
  return { job, starts: () => readFileSync(witness, 'utf8') }
}

const sumOf = (log: Buffer) => createHash('sha256').update(log).digest('hex')

test('what is loud comes packed, what zstd cannot shrink as it is: byte for byte, each line with its time', async () => {
  await using b = await startBench()
  const { job } = loud(b, 2)
  await done(job, 30_000)
  expect(sumOf(job.log)).toBe(expectedOf(2))
  expect(job.packedMessages).toBeGreaterThan(0)
  expect(job.logMessages).toBeGreaterThan(job.packedMessages)
  expect(job.lineTimes).toHaveLength(job.log.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0))
}, 40_000)

test('to a controller that does not say that it takes it packed, it comes as it is', async () => {
  await using b = await startBench()
  b.controller.behavior.takesPacked = false
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  await b.restart()
  const { job } = loud(b, 1)
  await done(job, 30_000)
  expect(sumOf(job.log)).toBe(expectedOf(1))
  expect(job.packedMessages).toBe(0)
}, 40_000)

test('the agent is killed and the link is cut in the middle of a flood, again and again: an exact log', async () => {
  await using b = await startBench()
  const { job, starts } = loud(b, 12)
  for (let i = 1; i <= 6; i++) {
    await waitFor('more of the flood', () => job.log.length > i * 1_500_000, 30_000)
    if (i % 2 === 1) b.controller.cut()
    else {
      b.agent.child.kill('SIGKILL')
      await b.agent.exited
      await b.restart()
    }
  }
  expect(job.logComplete).toBe(false)
  await done(job, 60_000)
  expect(sumOf(job.log)).toBe(expectedOf(12))
  expect(starts()).toBe('start\n')
}, 120_000)

test('answers of the controller that are lost cost nothing but time', async () => {
  await using b = await startBench()
  b.controller.behavior.dropLogAcks = 5
  const { job } = loud(b, 1)
  await done(job, 30_000)
  expect(sumOf(job.log)).toBe(expectedOf(1))
}, 40_000)

test('a controller that stores nothing is sent no more than the window; when it does again, all of it comes', async () => {
  await using b = await startBench()
  b.controller.behavior.dropLogAcks = Number.POSITIVE_INFINITY
  const { job } = loud(b, 8)
  await waitFor('the step has ended', () => job.finished[0], 30_000)
  await waitFor('the window is full', () => job.log.length >= 4 * 1024 * 1024, 30_000)
  expect(job.log.length).toBeLessThan(4 * 1024 * 1024 + 256 * 1024)
  b.controller.behavior.dropLogAcks = 0
  b.controller.cut()
  await done(job, 60_000)
  expect(sumOf(job.log)).toBe(expectedOf(8))
}, 120_000)
