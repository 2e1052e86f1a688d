import { TestResult } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits } from '@ansflow/proto/limits'
import { describe, expect, it } from 'vitest'
import { JunitReader, millisecondsOf, type ReadTest } from './junit.ts'

const { FAILED, FLAKY, PASSED, SKIPPED } = TestResult

/** In pieces of this many characters. */
function read(xml: string, size = xml.length): ReadTest[] {
  const found: ReadTest[] = []
  const reader = new JunitReader((test) => found.push(test))
  for (let at = 0; at < xml.length; at += size) reader.write(xml.slice(at, at + size))
  reader.end()
  return found
}

const surefire = `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="shop.CartTest" time="1,234.5" tests="4" errors="1" skipped="1" failures="1">
  <properties><property name="a" value="b"/></properties>
  <testcase name="adds" classname="shop.CartTest" time="0.012"/>
  <testcase name="removes" classname="shop.CartTest" time="1,002.5">
    <failure message="expected: &lt;1&gt; but was: &lt;2&gt;" type="AssertionError"><![CDATA[AssertionError: no
	at shop.CartTest.removes(CartTest.java:12)]]></failure>
    <system-out><![CDATA[hello <b> &amp; ]]></system-out>
    <system-err>world</system-err>
  </testcase>
  <testcase name="later" classname="shop.CartTest"><skipped message="not yet"/></testcase>
  <testcase name="breaks" classname="shop.CartTest" time="0"><error type="java.io.IOException">java.io.IOException: gone</error></testcase>
</testsuite>`

const nested = `<testsuites name="all">
  <testsuite name="unit" file="src/a.ts">
    <testsuite name="pool">
      <testcase name="a" file="src/a.test.ts" line="12" time="0.5"/>
      <testcase name="b" time="NaN" status="disabled"/>
    </testsuite>
    <testcase name="c" time="-3" classname="unit"/>
  </testsuite>
</testsuites>`

const reruns = `<testsuite name="s">
  <testcase name="flaky"><flakyFailure message="once" type="E"><stackTrace>at x</stackTrace><system-out>first</system-out></flakyFailure><flakyError message="twice"/></testcase>
  <testcase name="dead"><failure message="m">stack</failure><rerunFailure message="again"><stackTrace>stack 2</stackTrace></rerunFailure></testcase>
</testsuite>`

describe('a JUnit report', () => {
  it('as Maven writes it', () => {
    expect(read(surefire)).toMatchObject([
      { name: 'adds', suite: 'shop.CartTest', result: PASSED, durationMs: 12 },
      {
        name: 'removes',
        result: FAILED,
        durationMs: 1_002_500,
        message: 'expected: <1> but was: <2>',
        details: 'AssertionError: no\n\tat shop.CartTest.removes(CartTest.java:12)',
        output: 'hello <b> &amp; \nworld',
        cut: false,
      },
      { name: 'later', result: SKIPPED, message: 'not yet' },
      { name: 'breaks', result: FAILED, message: 'java.io.IOException' },
    ])
  })

  it('with suites inside each other', () => {
    expect(read(nested)).toMatchObject([
      { name: 'a', suite: 'unit › pool', file: 'src/a.test.ts', line: 12, durationMs: 500 },
      { name: 'b', suite: 'unit › pool', durationMs: 0, result: SKIPPED },
      { name: 'c', suite: 'unit', durationMs: 0, result: PASSED },
    ])
  })

  it('with tests that were tried again', () => {
    expect(read(reruns)).toMatchObject([
      { name: 'flaky', result: FLAKY, message: 'once', details: 'at x\n', output: 'first', failedTries: 2 },
      { name: 'dead', result: FAILED, message: 'm', details: 'stack\nstack 2', failedTries: 1 },
    ])
  })

  it.each([1, 7, 64])('says the same in pieces of %i characters', (size) => {
    for (const xml of [surefire, nested, reruns]) expect(read(xml, size)).toEqual(read(xml))
  })

  it('may have what XML does not allow: control characters, and references to them or to entities of HTML', () => {
    const xml =
      '<testsuite><testcase name="a\u0001b"><failure message="&#27;[31mred&nbsp;]]>">x\u001b[0m ]]> y</failure></testcase></testsuite>'
    expect(read(xml)).toMatchObject([{ name: 'ab', message: '&#27;[31mred&nbsp;]]>' }])
  })
})

describe('what is no JUnit report', () => {
  it.each([
    ['cut off', '<testsuite>\n<testcase name="a">', /line 2.*unclosed tag/],
    ['of tags that do not close', '<testsuite><testcase></testsuite>', /unexpected close tag|unclosed|unmatched/i],
    ['a page', '<!DOCTYPE html><html></html>', /outermost element is <html>/],
    ['a text', 'hello', /outside of root/],
    ['empty', '', /root element/],
    [
      'too deep',
      `<testsuite>${'<testsuite>'.repeat(limits.reportDepth)}`,
      new RegExp(`more than ${limits.reportDepth} elements`),
    ],
  ])('is refused when it is %s', (_name, xml, problem) => {
    expect(() => read(xml)).toThrow(problem)
  })

  it('expands no entities, and reads no files', () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>
<testsuite><testcase name="&b;&f;"/></testsuite>`
    expect(read(bomb)).toMatchObject([{ name: '&b;&f;' }])
  })
})

it.each([
  ['1.5', 1500],
  ['1,234.5', 1_234_500],
  ['1,234', 1_234_000],
  ['0,5', 500],
  ['0,123', 123],
  ['1e-3', 1],
  ['', 0],
  ['-1', 0],
  ['Infinity', 0],
  ['later', 0],
])('%s seconds are %d ms', (text, ms) => {
  expect(millisecondsOf(text)).toBeCloseTo(ms)
})
