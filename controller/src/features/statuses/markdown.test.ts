import { expect, test } from 'vitest'
import { checkSummary } from './check-summary.ts'
import { testsText } from './comment-tests.ts'
import { type CommentedPipeline, commentText } from './comment-text.ts'
import { block, code, duration, link } from './markdown.ts'

test('a name stands as code, whatever it is', () => {
  expect(code('build')).toBe('`build`')
  expect(code('@team please #12 ![x](http://evil) <img>')).toBe('`@team please #12 ![x](http://evil) <img>`')
  expect(code('a`b` | c\\')).toBe('`aˋbˋ ¦ c`')
  expect(code('\n\u202e\u0000')).toBe('`?`')
  expect(code('统'.repeat(200))).toBe(`\`${'统'.repeat(79)}…\``)
  expect(link('`a`', 'https://x/runs/1?step=a(b) <c>')).toBe('[`a`](https://x/runs/1?step=a%28b%29%20%3Cc%3E)')
})

test('lines cannot end the block they stand in', () => {
  expect(block(['a', '````', 'b'])).toBe('`````text\na\n````\nb\n`````')
})

test('durations', () => {
  expect([0, 59, 61, 3725].map(duration)).toEqual(['0 s', '59 s', '1 min 1 s', '1 h 2 min'])
})

const pipeline = (i: number, state = 'failed'): CommentedPipeline => ({
  ...{
    name: `${'|`@x'.repeat(60)} ${i}`,
    state,
    description: 'x',
    url: `https://a.example.org/${'x'.repeat(150)}/runs/1`,
    isRun: true,
  },
  report: {
    ...{ number: 1, status: state, seconds: 61, more: 0, annotations: 3 },
    steps: Array.from({ length: 20 }, (_, at) => ({
      ...{ id: `${'s'.repeat(60)}${at}`, name: '`@all` | #1'.repeat(9), status: 'failed', seconds: 1, failed: true },
      ...{ reason: 'It ended with 1', jobId: 'j' },
    })),
  },
})

test('a comment is never too long, and says what it leaves out', () => {
  const mark = '[//]: # (ansflow-comment 1)'
  const pipelines = Array.from({ length: 50 }, (_, i) => pipeline(i, i === 49 ? 'failed' : 'succeeded'))
  const previews = [{ environment: 'a`@b', url: `https://x.test/?(${'y'.repeat(2000)}` }]
  const text = commentText({ commit: 'ab12'.repeat(10), pipelines, previews, isCut: true, mark })
  expect(text).toMatch(/\n\nPreview: `aˋ@b` → \[`https:\/\/x\.test\/\?\(y+…`\]\(https:\/\/x\.test\/\?%28y+\)\n/)
  expect(text.length).toBeLessThanOrEqual(60_000)
  expect(text.endsWith(`\n\n${mark}`)).toBe(true)
  expect(text).toMatch(/\d+ more are not shown\./)
  expect(text).toContain('1 failed, 49 succeeded at `ab12ab1`')
  // Whatever is called how: a table of five cells in each line, and no mention outside of code.
  for (const line of text.split('\n').filter((each) => each.startsWith('|'))) {
    expect(line.split('|')).toHaveLength(7)
    expect(line.replace(/`[^`]*`/g, '')).not.toMatch(/[@#]/)
  }
  expect(text.split('\n').find((line) => line.startsWith('| ['))).toContain('failed')
})

const page = 'https://a.example.org/runs/1'
const hostile = '@team `x` | #1 <img src=x> ![a](http://evil)\n\n# head'
const reported = {
  tests: { failed: 12, flaky: 1, passed: 900, skipped: 0 },
  newFailures: 1,
  failures: Array.from({ length: 10 }, (_, i) => ({
    suite: 'shop.Cart',
    name: hostile,
    message: hostile,
    isNew: i === 0,
  })),
  coverage: { lines: 0.9114, before: { lines: 0.9141, number: 12 } },
}

test('tests stand under the table: the failed ones by name, and how coverage has changed', () => {
  const text = testsText('build', page, reported)
  expect(text).toContain(`**[Tests](${page}?view=tests) of** \`build\`: 12 failed (1 new), 1 flaky, 900 passed\n\n- `)
  expect(text.match(/^- .*\(new\)/gm)).toHaveLength(1)
  expect(text).toContain('\n- 2 more\n')
  expect(text.endsWith('\n**Coverage of** `build`: 91.1 % of lines (−0.3 beside `#12`)')).toBe(true)
  // Nothing that others have called so is more than text.
  for (const line of text.split('\n').filter((each) => each.startsWith('- `'))) {
    expect(line.replace(/`[^`]*`/g, '')).not.toMatch(/[@#<!|]/)
  }
  const nothing = { tests: undefined, newFailures: undefined, failures: [], coverage: undefined }
  expect(testsText('a', page, nothing)).toBe('')
  const alone = { ...nothing, coverage: { lines: 1, before: undefined } }
  expect(testsText('a', page, alone)).toBe('**Coverage of** `a`: 100.0 % of lines')
})

test('of the tests of pipelines as many stand in a comment as there is room for', () => {
  const tests = testsText('build', page, reported)
  const pipelines = Array.from({ length: 50 }, (_, i) => ({ ...pipeline(i), tests }))
  const text = commentText({ commit: 'ab12'.repeat(10), previews: [], pipelines, isCut: false, mark: '[//]: # (m)' })
  expect(text.length).toBeLessThanOrEqual(60_000)
  expect(text.endsWith('\n\n[//]: # (m)')).toBe(true)
  const [one] = [
    commentText({
      commit: 'ab12'.repeat(10),
      previews: [],
      pipelines: [{ ...pipeline(1), tests }],
      isCut: false,
      mark: '',
    }),
  ]
  expect(one).toContain(`|\n\n${tests}`)
})

test('the summary of a check shows steps, and the last lines of one that failed', () => {
  const { report } = pipeline(1)
  const tails = new Map([[report!.steps[0]!.id, ['make: *** [all] Error 2', '```']]])
  const text = checkSummary({ ...report!, more: 4 }, { tails, shown: 1, run: 'https://a.example.org/runs/1' })
  expect(text).toContain('````text\nmake: *** [all] Error 2\n```\n````')
  expect(text).toContain('`It ended with 1`')
  expect(text).toContain('4 more steps are on')
  expect(text).toContain('1 of 3 remarks stand at lines')
})
