// What a step tells people: annotations in its log, its summary, and the reports of its tests and coverage. By real agents, which may be killed meanwhile.
import { zstdDecompressSync } from 'node:zlib'
import type { Finished } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AnnotationLevel, TestCasesSchema, TestResult } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits } from '@ansflow/proto/limits'
import { fromBinary } from '@bufbuild/protobuf'
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

const casesOf = ({ reports }: Finished) =>
  (reports?.blocks ?? []).flatMap(({ packed, unpackedSize, count, result }) => {
    const bytes = zstdDecompressSync(packed, { maxOutputLength: limits.testBlockBytes })
    const { cases } = fromBinary(TestCasesSchema, bytes)
    expect([bytes.length, cases.length]).toEqual([unpackedSize, count])
    expect(cases.every((each) => each.result === result)).toBe(true)
    return cases
  })
const reported = (junit: string[], coverage: string[] = []) => ({ workspace: 'isolated', reports: { junit, coverage } })
const TESTS = `<testsuite name="s"><testcase name="slow" time="2"/><testcase name="quick" time="0.1"/>
<testcase name="breaks on TOKEN"><failure message="no TOKEN">at a.ts:3</failure><system-out>said TOKEN &amp; more</system-out></testcase></testsuite>`
const write = (text: string, file: string) => `cat > ${file} <<XML\n${text.replaceAll('TOKEN', '$TOKEN')}\nXML`

test('reports are read when the step has failed, masked, failed tests first, the slowest next', async () => {
  const script = `mkdir -p a/out
${write(TESTS, 'a/out/junit.xml')}
printf 'SF:x\nLF:4\nLH:3\nend_of_record\n' > lcov.info
exit 3`
  const secrets = [{ name: 'TOKEN', value: 'secret-token', env: true }]
  const job = b.controller.offer(newId(), sh(script, reported(['**/junit.xml'], ['lcov.info'])), secrets)
  const finished = await done(job)
  expect(finished).toMatchObject({ outcome: Outcome.FAILED, exitCode: 3, annotations: [] })
  expect(finished.reports).toMatchObject({
    tests: { failed: 1, flaky: 0, passed: 2, skipped: 0, durationMs: 2100, leftOut: 0 },
    coverage: { lines: 4, linesHit: 3, branches: 0, branchesHit: 0 },
  })
  expect(casesOf(finished)).toMatchObject([
    {
      result: TestResult.FAILED,
      name: 'breaks on ***',
      suite: 's',
      message: 'no ***',
      details: 'at a.ts:3',
      output: 'said *** & more',
      cut: false,
    },
    { result: TestResult.PASSED, name: 'slow', durationMs: 2000 },
    { name: 'quick' },
  ])
  expect(job.log.toString()).toBe('')
})

test('what cannot be read is a warning at its line of the log, and fails nobody', async () => {
  const script = `printf 'no end'
printf '<testsuite>\n<testcase name="a">' > broken.xml
printf '<html/>' > page.xml
printf '<testsuite><testcase name="ok"/></testsuite>' > good.xml
ln -s /etc/passwd link.xml
mkfifo pipe.xml
mkdir folder.xml
ln -s / outside
mkdir -p node_modules/x && cp good.xml node_modules/x/hidden.xml
printf 'SF:a' > cut.info`
  const job = b.controller.offer(
    newId(),
    sh(script, reported(['**/*.xml', 'outside/**/passwd', 'gone/*.xml'], ['cut.info'])),
  )
  const finished = await done(job)
  expect(finished.outcome).toBe(Outcome.SUCCEEDED)
  expect(casesOf(finished).map(({ name }) => name)).toEqual(['ok'])
  expect(finished.reports!.coverage).toBe(undefined)
  const messages = [
    'No file matches outside/**/passwd.',
    'No file matches gone/*.xml.',
    'broken.xml could not be read: it is no well-formed XML (line 2, column 20: unclosed tag: testcase).',
    'page.xml could not be read: it is no JUnit report: its outermost element is <html>.',
    'cut.info could not be read: it ends within a file (no end_of_record).',
  ]
  expect(finished.annotations).toMatchObject(
    messages.map((message) => ({ level: AnnotationLevel.WARNING, title: 'Reports', message })),
  )
  expect(finished.annotations[2]).toMatchObject({ file: 'broken.xml', line: 2 })
  const log = job.log.toString()
  expect(log).toBe(`no end\n${messages.map((message) => `[ansflow] ${message}\n`).join('')}`)
  for (const { logOffset, message } of finished.annotations) {
    expect(log.slice(Number(logOffset))).toMatch(`[ansflow] ${message}\n`)
  }
})

test('of very many tests as many are kept as may be, the failed ones first', async () => {
  const many = limits.tests + 500
  const script = `{ echo '<testsuite>'
seq ${many} | sed 's/.*/<testcase classname="some.long.name.of.a.class" name="test number &" time="0.00&"\\/>/'
echo '<testcase name="bad"><failure message="no"><![CDATA['; head -c 3000000 /dev/urandom | base64; echo ']]></failure></testcase></testsuite>'; } > t.xml`
  const job = b.controller.offer(newId(), sh(script, reported(['t.xml'])))
  const finished = await done(job)
  expect(finished.reports!.tests).toMatchObject({ failed: 1, passed: many, leftOut: 501 })
  const [first, ...others] = casesOf(finished)
  expect(first).toMatchObject({ name: 'bad', cut: true })
  expect(first!.details.length).toBe(limits.testOutput)
  expect(others.length).toBe(limits.tests - 1)
  const bytes = finished.reports!.blocks.reduce((sum, { packed }) => sum + packed.length, 0)
  expect(bytes).toBeLessThanOrEqual(limits.testPackedBytes)
}, 30_000)

test('a canceled step has none, and an agent that is killed at its end tells the same again', async () => {
  await using bench = await startBench()
  const wait = 'until [ -e "$GO" ]; do sleep 0.05; done'
  const canceled = bench.controller.offer(
    jobIdOf('no'),
    sh(`${write(TESTS, 'j.xml')}\necho there; sleep 60`, reported(['j.xml'])),
  )
  await waitFor('it runs', () => canceled.log.includes('there'))
  bench.controller.cancel(canceled.ref.jobId)
  expect(await done(canceled)).toMatchObject({ outcome: Outcome.CANCELED, annotations: [] })
  expect(canceled.finished[0]!.reports).toBe(undefined)

  bench.controller.behavior.dropFinishedAcks = Number.POSITIVE_INFINITY
  const job = bench.controller.offer(
    jobIdOf('killed'),
    sh(`${write(TESTS, 'j.xml')}\necho there; ${wait}`, {
      ...reported(['j.xml', 'none.xml']),
      env: [{ name: 'GO', value: `${bench.data}/go` }],
    }),
  )
  await waitFor('it runs', () => job.log.includes('there'))
  await killed(bench)
  await done(bench.controller.offer(jobIdOf('go'), sh(`touch ${bench.data}/go; echo gone`)))
  const first = await waitFor('it has ended', () => job.finished[0])
  bench.controller.behavior.dropFinishedAcks = 0
  await killed(bench)
  const second = await waitFor('it has been told again', () => job.finished.length > 1 && job.finished.at(-1))
  expect(casesOf(first).map(({ name }) => name)).toEqual(['breaks on', 'slow', 'quick'])
  expect(second.reports).toEqual(first.reports)
  expect(second.annotations).toEqual(first.annotations)
  expect(first.annotations.map(({ message }) => message)).toEqual(['No file matches none.xml.'])
}, 30_000)
