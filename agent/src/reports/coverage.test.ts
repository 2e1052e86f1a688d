import { describe, expect, it } from 'vitest'
import { CoverageReader } from './coverage.ts'

function read(text: string, size = Math.max(1, text.length)) {
  const reader = new CoverageReader()
  for (let at = 0; at < text.length; at += size) reader.write(text.slice(at, at + size))
  return reader.end()
}

const lcov = `TN:
SF:src/a.ts
FN:1,f
DA:1,4
DA:2,0
LF:2
LH:1
BRF:4
BRH:3
end_of_record
SF:src/b.ts
DA:1,0
DA:2,7,abc
BRDA:2,0,0,1
BRDA:2,0,1,-
end_of_record
`
const cobertura = `<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage lines-valid="10" lines-covered="7" branches-valid="4" branches-covered="1" line-rate="0.7"><packages/></coverage>`
const counted = `<coverage line-rate="0.5"><packages><package><classes><class filename="a.py">
<methods><method name="f"><lines><line number="1" hits="1"/></lines></method></methods>
<lines><line number="1" hits="1"/><line number="2" hits="0" branch="true" condition-coverage="50% (1/2)"/></lines>
</class></classes></package></packages></coverage>`

describe('coverage', () => {
  it.each([
    ['of lcov, also where totals are missing', lcov, { lines: 4, linesHit: 2, branches: 6, branchesHit: 4 }],
    ['of Cobertura', cobertura, { lines: 10, linesHit: 7, branches: 4, branchesHit: 1 }],
    ['of Cobertura without totals', counted, { lines: 2, linesHit: 1, branches: 2, branchesHit: 1 }],
  ])('%s', (_name, text, totals) => {
    expect(read(text)).toEqual(totals)
    for (const size of [1, 11]) expect(read(text, size)).toEqual(totals)
    expect(read(`\n${text.replaceAll('\n', '\r\n')}`)).toEqual(totals)
  })

  it.each([
    ['of JaCoCo', '<report name="x"/>', /neither Cobertura nor lcov.*<report>/],
    ['that says of no line', '<coverage generated="1"><project/></coverage>', /of no line/],
    ['of nothing', ' \n', /empty/],
    ['that is a text', 'hello\nworld', /neither Cobertura XML nor lcov/],
    ['cut off', 'SF:a\nDA:1,1\n', /ends within a file/],
    ['with a number that is none', 'SF:a\nLF:many\nend_of_record\n', /line 2 says no number/],
    ['with a line without end', `SF:${'a'.repeat(200_000)}`, /too long/],
  ])('%s is none', (_name, text, problem) => {
    expect(() => read(text)).toThrow(problem)
  })
})
