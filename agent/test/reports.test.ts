// What a step tells people: annotations in its log, and its summary. By real agents, which may be killed meanwhile.
import { AnnotationLevel } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits } from '@ansflow/proto/limits'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from './agent-process.ts'
import { type Bench, done, jobIdOf, sh, startBench } from './bench.ts'
import { Outcome } from './fake-controller.ts'

let b: Bench
beforeAll(async () => {
  b = await startBench()
})
afterAll(() => b[Symbol.asyncDispose]())

async function killed(bench: Bench): Promise<void> {
  bench.agent.child.kill('SIGKILL')
  await bench.agent.exited
  await bench.restart()
}

let jobs = 0
const newId = () => jobIdOf(`reports-${++jobs}`)

test('annotations come with the result, masked, and the log keeps every byte', async () => {
  const script = `echo begin
echo "::error file=src/a.ts,line=3,endLine=4,col=5,title=Types%2C all::not $TOKEN%0Abut a number"
echo "::add-mask::hidden"
echo "  ::Warning::the hidden one"
echo "::notice::"
printf "::notice::no end of line"`
  const job = b.controller.offer(newId(), sh(script), [{ name: 'TOKEN', value: 'secret-token', env: true }])
  const finished = await done(job)
  const log = job.log.toString()
  expect(log).toBe(
    'begin\n::error file=src/a.ts,line=3,endLine=4,col=5,title=Types%2C all::not ***%0Abut a number\n::add-mask::***\n  ::Warning::the ***\n::notice::\n::notice::no end of line'.replace(
      'the ***',
      'the *** one',
    ),
  )
  expect(finished).toMatchObject({ outcome: Outcome.SUCCEEDED, annotationsLeftOut: 0, summary: '' })
  expect(finished.annotations).toMatchObject([
    {
      level: AnnotationLevel.ERROR,
      message: 'not ***\nbut a number',
      title: 'Types, all',
      file: 'src/a.ts',
      line: 3,
      endLine: 4,
      column: 5,
      endColumn: 0,
      logOffset: 6n,
    },
    { level: AnnotationLevel.WARNING, message: 'the *** one', logOffset: BigInt(log.indexOf('  ::Warning')) },
    { level: AnnotationLevel.NOTICE, message: 'no end of line' },
  ])
})

test('a step that fails, or prints very many, tells them too; so many are kept', async () => {
  const many = limits.annotations + 25
  const job = b.controller.offer(newId(), sh(`for i in $(seq ${many}); do echo "::error::e$i"; done; exit 3`))
  const finished = await done(job)
  expect(finished).toMatchObject({ outcome: Outcome.FAILED, exitCode: 3, annotationsLeftOut: 25 })
  expect(finished.annotations.map(({ message }) => message)).toEqual(
    Array.from({ length: limits.annotations }, (_, i) => `e${i + 1}`),
  )
})

test('an agent that is killed while the step runs, and one killed after its end, tell the same', async () => {
  await using bench = await startBench()
  bench.controller.behavior.dropFinishedAcks = Number.POSITIVE_INFINITY
  const wait = 'until [ -e go ]; do sleep 0.05; done'
  const job = bench.controller.offer(
    jobIdOf('killed'),
    sh(
      `echo "::error::before"; echo "# so far" >> "$ANSFLOW_SUMMARY"; ${wait}; echo "::error::after"; echo more >> "$GITHUB_STEP_SUMMARY"`,
    ),
  )
  await waitFor('the first line is there', () => job.log.includes('before'))
  await killed(bench)
  const other = bench.controller.offer(jobIdOf('go'), sh('touch go; echo gone'))
  await done(other)
  const first = await waitFor('it has ended', () => job.finished[0])
  bench.controller.behavior.dropFinishedAcks = 0
  await killed(bench)
  const second = await waitFor('it has been told again', () => job.finished.length > 1 && job.finished.at(-1))
  for (const { annotations, summary } of [first, second]) {
    expect(annotations.map(({ message }) => message)).toEqual(['before', 'after'])
    expect(summary).toBe('# so far\nmore\n')
  }
  expect(second.annotations).toEqual(first.annotations)
}, 30_000)

test('a summary is masked, also where its limit cuts', async () => {
  const secrets = [{ name: 'TOKEN', value: 'secret-token', env: true }]
  const job = b.controller.offer(newId(), sh('echo "# Hello $TOKEN" | tee -a "$CI_SUMMARY"'), secrets)
  expect(await done(job)).toMatchObject({ summary: '# Hello ***\n', summaryCut: false })
  const fill = `yes "a line of the summary" | head -c ${limits.summaryBytes - 1} >> "$ANSFLOW_SUMMARY"`
  const long = b.controller.offer(
    newId(),
    sh(`${fill}; printf "$TOKEN" >> "$ANSFLOW_SUMMARY"; echo >> "$ANSFLOW_SUMMARY"`),
    secrets,
  )
  const { summary, summaryCut } = await done(long)
  expect(summaryCut).toBe(true)
  expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(limits.summaryBytes)
  expect(summary).not.toContain('secret')
  expect(long.log.toString()).toBe(
    `[ansflow] The summary has more than ${limits.summaryBytes} bytes; the rest is left out.\n`,
  )
})

test.each([
  ['a folder', 'rm "$ANSFLOW_SUMMARY"; mkdir "$ANSFLOW_SUMMARY"', 'The summary file is a folder. It is left out.'],
  ['a link', 'ln -sf /etc/passwd "$ANSFLOW_SUMMARY"', 'The summary file is a link. It is left out.'],
  [
    'a pipe',
    'rm "$ANSFLOW_SUMMARY"; mkfifo "$ANSFLOW_SUMMARY"',
    'The summary file is no regular file. It is left out.',
  ],
])('a summary file that is %s is left out, and the step is well', async (_name, script, problem) => {
  const job = b.controller.offer(newId(), sh(script))
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED, summary: '' })
  expect(job.log.toString()).toContain(`[ansflow] ${problem}\n`)
})

test('much larger than the limit, or removed, it is no fault', async () => {
  const large = b.controller.offer(newId(), sh('head -c 3000000 /dev/zero | tr "\\0" "x" >> "$ANSFLOW_SUMMARY"'))
  expect(await done(large)).toMatchObject({ outcome: Outcome.SUCCEEDED, summary: '', summaryCut: true })
  const gone = b.controller.offer(newId(), sh('rm "$ANSFLOW_SUMMARY"'))
  expect(await done(gone)).toMatchObject({ outcome: Outcome.SUCCEEDED, summary: '', summaryCut: false })
})

test('the next step of the same folder finds its files empty', async () => {
  for (let i = 0; i < 4; i++) {
    const job = b.controller.offer(
      newId(),
      sh('[ -f "$ANSFLOW_SUMMARY" ] && [ ! -s "$ANSFLOW_SUMMARY" ] && echo "s" >> "$ANSFLOW_SUMMARY"'),
    )
    expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED, summary: 's\n' })
  }
})
