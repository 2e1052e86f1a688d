// What a step makes of its output file, and how much it may put into it.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { HelloSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { limits, requestBytes } from '@ansflow/proto/limits'
import { toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from './agent-process.ts'
import { type Bench, done, jobIdOf, sh, startBench } from './bench.ts'
import { Outcome } from './fake-controller.ts'

let b: Bench
beforeAll(async () => {
  b = await startBench()
})
afterAll(() => b[Symbol.asyncDispose]())

let jobs = 0
const newId = () => jobIdOf(`outputs-${++jobs}`)
const outputs = ['value']

test.each([
  ['a folder', 'rm "$ANSFLOW_OUTPUT"; mkdir "$ANSFLOW_OUTPUT"', 'The output file is a folder.'],
  ['a link', 'ln -sf /etc/passwd "$ANSFLOW_OUTPUT"', 'The output file is a link.'],
  ['a link to a folder', 'ln -sfn / "$ANSFLOW_OUTPUT"', 'The output file is a link.'],
  ['a link to nothing', 'ln -sf nowhere "$ANSFLOW_OUTPUT"', 'The output file is a link.'],
  ['a pipe', 'rm "$ANSFLOW_OUTPUT"; mkfifo "$ANSFLOW_OUTPUT"', 'The output file is no regular file.'],
  ['a socket', 'listen', 'The output file cannot be read (ENXIO).'],
  [
    'a word',
    'printf "value=1\\n\\nword\\n" >> "$ANSFLOW_OUTPUT"',
    'Line 3 of the output file is neither NAME=value nor NAME<<DELIMITER.',
  ],
  [
    'a value without a name',
    'echo "=1" >> "$ANSFLOW_OUTPUT"',
    'Line 1 of the output file is neither NAME=value nor NAME<<DELIMITER.',
  ],
  [
    'a block without an end',
    'printf "value=1\\nvalue<<EOF\\na\\nb\\n" >> "$ANSFLOW_OUTPUT"',
    'Line 2 of the output file begins the output "value", but no line "EOF" ends it.',
  ],
  ['Latin-1', `printf 'value=ok\\nvalue=caf\\351\\n' >> "$ANSFLOW_OUTPUT"`, 'Line 2 of the output file is not UTF-8.'],
  ['half a character', `printf 'value=\\342\\202' >> "$ANSFLOW_OUTPUT"`, 'Line 1 of the output file is not UTF-8.'],
  [
    'a value with NUL',
    `printf 'value=a\\0b\\n' >> "$ANSFLOW_OUTPUT"`,
    'Line 1 of the output file holds the character NUL (U+0000), which cannot be stored.',
  ],
  ['UTF-16', `printf 'value=a\\n' | iconv -t UTF-16 >> "$ANSFLOW_OUTPUT"`, 'Line 1 of the output file is not UTF-8.'],
  [
    'too large',
    'head -c 2000000 /dev/zero >> "$ANSFLOW_OUTPUT"',
    'The output file has 2000000 bytes; it may have 1048576.',
  ],
])(
  'an output file that is %s: the step has failed, says so, and its log is complete',
  async (_name, script, reason) => {
    const listen = `rm "$ANSFLOW_OUTPUT"; "${process.execPath}" -e 'require("net").createServer().listen(process.env.ANSFLOW_OUTPUT, () => process.kill(process.pid, "SIGKILL"))' || true`
    const job = b.controller.offer(newId(), sh(script === 'listen' ? listen : script, { outputs }))
    expect(await done(job)).toMatchObject({ outcome: Outcome.FAILED, exitCode: 0, reason, reasonCode: 'agent_error' })
    expect(job.log.toString()).toContain(`[ansflow] ${reason}\n`)
  },
)

test('what failed by itself keeps its own reason', async () => {
  const job = b.controller.offer(newId(), sh('rm "$ANSFLOW_OUTPUT"; mkdir "$ANSFLOW_OUTPUT"; exit 3', { outputs }))
  expect(await done(job)).toMatchObject({ outcome: Outcome.FAILED, exitCode: 3, reason: 'exit code 3' })
})

test('blank lines, a byte order mark and any UTF-8 are no fault', async () => {
  const script = `printf '\\357\\273\\277value=1\\r\\n  \\n\\nvalue<<X\\n\\360\\237\\230\\200 a=b\\n\\nX\\n' >> "$ANSFLOW_OUTPUT"`
  const job = b.controller.offer(newId(), sh(script, { outputs }))
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED, outputs: { value: '\u{1f600} a=b\n' } })
  expect(job.log.toString()).toBe('')
})

test.each([
  ['a line separator', '\\342\\200\\250', '\u2028'],
  ['a carriage return', '\\r', '\r'],
])('a value may hold %s', async (_name, written, value) => {
  const job = b.controller.offer(newId(), sh(`printf 'value=a${written}b\\n' >> "$ANSFLOW_OUTPUT"`, { outputs }))
  expect((await done(job)).outputs['value']).toBe(`a${value}b`)
})

test('no output file, no outputs', async () => {
  const job = b.controller.offer(newId(), sh('rm "$ANSFLOW_OUTPUT"', { outputs }))
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED, outputs: {} })
})

const print = (character: string, count: number) =>
  `{ printf value=; yes '${character}' | head -n ${count} | tr -d '\\n'; } >> "$ANSFLOW_OUTPUT"`
const most = limits.outputsBytes - 'value'.length

test.each([
  ['65,537 bytes', 'x', 65_537],
  ['22,000 Han characters', '漢', 22_000],
  ['as many as there may be', 'x', most],
])('a value of %s is whole', async (_name, character, count) => {
  const job = b.controller.offer(newId(), sh(print(character, count), { outputs }))
  expect((await done(job)).outputs['value']).toBe(character.repeat(count))
})

test('one byte more is a failure that says how much there may be', async () => {
  const job = b.controller.offer(newId(), sh(print('x', most + 1), { outputs }))
  expect(await done(job)).toMatchObject({
    outcome: Outcome.FAILED,
    reason: `The outputs have ${limits.outputsBytes + 1} bytes; a step may have ${limits.outputsBytes} of them.`,
    outputs: {},
  })
})

test('a variable as large as the system takes is whole, a larger one is refused by name', async () => {
  const value = 'x'.repeat(limits.environmentEntryBytes - 'BIG='.length)
  const whole = b.controller.offer(newId(), sh('printf %s "$BIG" | wc -c', { env: [{ name: 'BIG', value }] }))
  expect(await done(whole)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(whole.log.toString().trim()).toBe(String(value.length))
  const larger = b.controller.offer(newId(), sh('true', { env: [{ name: 'BIG', value: `${value}x` }] }))
  const finished = await done(larger)
  expect(finished).toMatchObject({ outcome: Outcome.FAILED, reasonCode: 'agent_error' })
  expect(finished.reason).toMatch(/^The variable BIG has 131072 bytes/)
  const many = Array.from({ length: 20 }, (_, i) => ({ name: `BIG${i}`, value: value.slice(10) }))
  const all = await done(b.controller.offer(newId(), sh('true', { env: many })))
  expect(all).toMatchObject({ outcome: Outcome.FAILED, reasonCode: 'agent_error' })
  expect(all.reason).toMatch(/^The environment has \d+ bytes/)
})

test('results that do not fit into one message are told all the same after the controller was away', async () => {
  await using b = await startBench({ ANSFLOW_AGENT_SLOTS: '30' })
  b.controller.behavior.dropFinishedAcks = Number.POSITIVE_INFINITY
  const all = Array.from({ length: 18 }, (_, i) =>
    b.controller.offer(jobIdOf(`many-${i}`), sh(print('x', most), { outputs })),
  )
  for (const job of all) {
    const finished = await waitFor('it has ended', () => job.finished[0])
    expect(finished.outputs['value']).toHaveLength(most)
  }
  b.controller.behavior.dropFinishedAcks = 0
  b.controller.cut()
  await waitFor('all are acknowledged', () => readdirSync(join(b.data, 'jobs')).length === 0, 30_000)
  for (const hello of b.controller.hellos)
    expect(toBinary(HelloSchema, hello).length).toBeLessThan(
      requestBytes.of['ansflow.agent.v1.AgentLinkService/Control']!,
    )
}, 60_000)
